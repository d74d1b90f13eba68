"""When a name comes up."""

from __future__ import annotations

import asyncio
import random

from tests.kubernetes.api.virtual_time import now, settled, virtual_time

from laneway.kubernetes.queue import LONGEST_SECONDS, Queue


def queue() -> Queue[str]:
    """One whose delays are not shortened."""
    return Queue(jitter=lambda: 0.0)


async def worked(names: Queue[str]) -> str:
    """The next name, done at once."""
    name = await names.get()
    names.done(name)
    return name


@virtual_time
async def test_names_come_in_the_order_in_which_they_were_added_each_once() -> None:
    """Adding a name that waits already changes nothing."""
    names = queue()
    for name in ("pharmacy", "ledger", "pharmacy", "web"):
        names.add(name)
    assert len(names) == 3
    assert [await worked(names) for _ in range(3)] == ["pharmacy", "ledger", "web"]
    assert len(names) == 0


@virtual_time
async def test_a_name_that_is_worked_on_is_not_handed_out_again_until_it_is_done() -> None:
    """Several changes in the meantime lead to one more look."""
    names = queue()
    names.add("pharmacy")
    name = await names.get()
    names.add("pharmacy")
    names.add("pharmacy")
    next_one = asyncio.create_task(names.get())
    await settled()
    assert not next_one.done()
    names.done(name)
    assert await next_one == "pharmacy"
    names.done("pharmacy")
    assert len(names) == 0


@virtual_time
async def test_who_waits_gets_the_name_that_is_added() -> None:
    """One name wakes one worker."""
    names = queue()
    workers = [asyncio.create_task(names.get()) for _ in range(3)]
    await settled()
    names.add("pharmacy")
    names.add("ledger")
    await settled()
    assert [worker.done() for worker in workers] == [True, True, False]
    workers[2].cancel()


@virtual_time
async def test_a_worker_that_is_cancelled_takes_no_name_with_it() -> None:
    """Not even when it was its turn."""
    names = queue()
    first, second = (asyncio.create_task(names.get()) for _ in range(2))
    await settled()
    names.add("pharmacy")
    first.cancel()
    assert await second == "pharmacy"


@virtual_time
async def test_of_several_moments_the_earliest_counts() -> None:
    """Whatever the order in which they are given."""
    names, began = queue(), now()
    names.add_after("pharmacy", 20)
    names.add_after("pharmacy", 5)
    names.add_at("pharmacy", began + 30)
    names.add_after("ledger", 10)
    assert [(await worked(names), now() - began) for _ in range(2)] == [("pharmacy", 5), ("ledger", 10)]
    names.add_after("web", 100)
    assert (await worked(names), now() - began) == ("web", 110)


@virtual_time
async def test_a_moment_that_has_passed_is_now() -> None:
    """A clock that was late loses nothing."""
    names, began = queue(), now()
    names.add_at("pharmacy", began - 5)
    assert await worked(names) == "pharmacy"
    assert now() == began


@virtual_time
async def test_no_moment_is_left_of_a_name_that_is_handed_out() -> None:
    """Who has just looked says itself when to look again; an older wish would only repeat the look."""
    names = queue()
    names.add_after("pharmacy", 5)
    names.add("pharmacy")
    assert await worked(names) == "pharmacy"
    names.add_after("ledger", 50)
    assert await worked(names) == "ledger"


@virtual_time
async def test_a_moment_that_is_set_while_a_name_is_worked_on_is_kept() -> None:
    """Also when it comes before the work is done: then the name comes up once more after it."""
    names, began = queue(), now()
    names.add("pharmacy")
    name = await names.get()
    names.add_after(name, 5)
    await asyncio.sleep(20)
    names.done(name)
    assert (await worked(names), now() - began) == ("pharmacy", 20)


@virtual_time
async def test_each_failure_in_a_row_doubles_the_wait_to_a_minute() -> None:
    """Names fail each for itself."""
    names, began = queue(), now()
    assert [names.failed("pharmacy") for _ in range(10)] == [0.25, 0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    assert names.failures("pharmacy") == 10
    assert names.failed("ledger") == 0.25
    assert [await worked(names) for _ in range(2)] == ["pharmacy", "ledger"]
    assert now() - began == 0.25, "the earliest wait counts"


@virtual_time
async def test_failures_that_are_over_count_no_more() -> None:
    """The next wait is the first one again."""
    names = queue()
    for _ in range(5):
        names.failed("pharmacy")
    names.forget("pharmacy")
    assert names.failed("pharmacy") == 0.25


@virtual_time
async def test_waits_after_failures_differ() -> None:
    """Names that fail together do not come back together; none waits less than half as long."""
    names: Queue[int] = Queue(jitter=random.Random(1).random)
    waits = [names.failed(number) for number in range(100)]
    assert len(set(waits)) == 100
    assert min(waits) > 0.125 and max(waits) <= 0.25
    for _ in range(20):
        longest = names.failed(0)
    assert LONGEST_SECONDS / 2 < longest <= LONGEST_SECONDS


@virtual_time
async def test_moments_that_are_moved_again_and_again_take_no_room() -> None:
    """A look per second, each of which asks for one in a day, leaves one wish, not 86,400."""
    names = queue()
    for _ in range(2000):
        names.add("pharmacy")
        await worked(names)
        names.add_after("pharmacy", 86_400)
        await asyncio.sleep(1)
    assert len(names._heap) < 100


@virtual_time
async def test_whatever_comes_no_name_is_lost_and_none_is_worked_on_twice_at_once() -> None:
    """A thousand additions, moments and failures in any order, for four workers; each is looked at after."""
    chance = random.Random(7)
    names: Queue[int] = Queue(jitter=chance.random)
    added_at: dict[int, float] = {}
    looked_at: dict[int, float] = {}
    busy: set[int] = set()

    async def work() -> None:
        while True:
            name = await names.get()
            assert name not in busy
            busy.add(name)
            looked_at[name] = now()
            await asyncio.sleep(chance.random())
            if chance.random() < 0.2:
                names.failed(name)
            else:
                names.forget(name)
            busy.discard(name)
            names.done(name)

    workers = [asyncio.create_task(work()) for _ in range(4)]
    for _ in range(1000):
        name = chance.randrange(20)
        if chance.random() < 0.5:
            names.add(name)
        else:
            names.add_after(name, chance.random() * 5)
        added_at[name] = now()
        await asyncio.sleep(chance.random() * 0.1)
    await asyncio.sleep(600)
    assert all(looked_at[name] >= added_at[name] for name in added_at)
    assert not busy and len(names) == 0
    for worker in workers:
        worker.cancel()
    await asyncio.wait(workers)
    assert all(worker.cancelled() for worker in workers), "none of them failed"


@virtual_time
async def test_a_name_is_out_from_when_it_is_handed_out_until_it_is_done() -> None:
    names = queue()
    names.add("pharmacy")
    assert not names.has_out("pharmacy")
    name = await names.get()
    assert names.has_out(name)
    names.done(name)
    assert not names.has_out(name)
