"""Who leads, and until when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from tests.kubernetes.api.lease_store import Connection, LeaseStore
from tests.kubernetes.api.virtual_time import now, settled, virtual_time

from laneway.kubernetes.api.errors import ApiError
from laneway.kubernetes.api.server import Server
from laneway.kubernetes.lease import Leader, LeadershipLostError, Terms

TERMS = Terms(lasts=15, renew_within=10, retry=2)


class Candidate:
    """A process that wants to lead, and what happened to it. led: from when until when it did."""

    def __init__(self, store: LeaseStore, name: str, clock: Callable[[], datetime] | None = None) -> None:
        self.connection = Connection(store)
        server = cast(Server, self.connection)
        written = clock or (lambda: datetime(2026, 11, 28, tzinfo=UTC) + timedelta(seconds=now()))
        self.leader = Leader(
            server, "laneway", "controller", name, terms=TERMS, now=written, jitter=lambda: 0.0
        )
        self.led: list[tuple[float, float]] = []
        self.lost = ""
        self.ended = asyncio.Event()
        self._end = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            async with self.leader.leading():
                began = now()
                self.led.append((began, float("inf")))
                try:
                    await self._end.wait()
                finally:
                    self.led[-1] = (began, now())
        except LeadershipLostError as error:
            self.lost = str(error)
        finally:
            self.ended.set()

    @property
    def leads(self) -> bool:
        """Whether its work goes on."""
        return bool(self.led) and self.led[-1][1] == float("inf")

    async def end(self) -> None:
        """Let its work be done."""
        self._end.set()
        await self._task

    async def cancel(self) -> None:
        """As on SIGTERM."""
        self._task.cancel()
        await asyncio.wait({self._task})

    async def kill(self) -> None:
        """As by kill -9: it says nothing any more."""
        self.connection.cut = True
        self._task.cancel()
        await asyncio.wait({self._task})


async def leads(candidate: Candidate, within: float = 100) -> None:
    """Wait until it does, on the virtual clock."""
    async with asyncio.timeout(within):
        while not candidate.leads:  # noqa: ASYNC110 - no time passes
            await asyncio.sleep(0.01)


@virtual_time
async def test_one_of_several_leads_and_goes_on_leading() -> None:
    """For an hour, with the others watching and without a word of theirs."""
    store = LeaseStore()
    candidates = [Candidate(store, name) for name in "abc"]
    await asyncio.sleep(3600)
    leading = [candidate for candidate in candidates if candidate.leads]
    assert len(leading) == 1
    assert leading[0].leader.leads
    assert store.spec["leaseTransitions"] == 0
    assert sum(candidate.connection.writes for candidate in candidates if not candidate.leads) <= 2
    for candidate in candidates:
        await candidate.cancel()


@virtual_time
async def test_who_ends_gives_the_lease_back_and_the_next_one_has_it_at_once() -> None:
    """Within a few answers of the API server, long before the lease would have run out."""
    store = LeaseStore()
    first = Candidate(store, "first")
    await leads(first)
    second = Candidate(store, "second")
    await asyncio.sleep(7)
    await first.end()
    await leads(second, within=0.1)
    assert first.led[0][1] <= second.led[0][0]
    assert store.spec["holderIdentity"] == "second"
    assert store.spec["leaseTransitions"] == 1
    await second.end()
    assert store.spec["holderIdentity"] == ""


@virtual_time
async def test_a_leader_that_is_cancelled_gives_the_lease_back() -> None:
    """A pod that is replaced leaves no gap."""
    store = LeaseStore()
    first = Candidate(store, "first")
    await leads(first)
    second = Candidate(store, "second")
    await settled()
    await first.cancel()
    await leads(second, within=0.1)
    await second.cancel()


@virtual_time
async def test_the_lease_of_a_killed_leader_runs_out_before_another_leads() -> None:
    """15 s after its last renewal, as the other saw it."""
    store = LeaseStore()
    first = Candidate(store, "first")
    await leads(first)
    second = Candidate(store, "second")
    await asyncio.sleep(20)
    await first.kill()
    killed_at = now()
    await leads(second, within=16)
    assert second.led[0][0] - killed_at > TERMS.lasts - TERMS.retry - 1
    await second.cancel()


@virtual_time
async def test_a_leader_that_is_cut_off_has_ended_before_another_leads() -> None:
    """After 10 s without a renewal; the other waits for 15. The two never lead together."""
    store = LeaseStore()
    first = Candidate(store, "first")
    await leads(first)
    second = Candidate(store, "second")
    await asyncio.sleep(20)
    first.connection.cut = True
    await leads(second)
    assert first.led[0][1] + 4 < second.led[0][0]
    assert "could not be renewed in time" in first.lost
    assert not first.leader.leads
    await second.cancel()


@virtual_time
async def test_a_short_silence_of_the_api_server_costs_nobody_the_leadership() -> None:
    """7 s, and 2 since the last renewal, are less than the 10 within which one must succeed."""
    store = LeaseStore()
    first = Candidate(store, "first")
    await leads(first)
    for _ in range(10):
        first.connection.cut = True
        await asyncio.sleep(7)
        first.connection.cut = False
        await asyncio.sleep(7)
    assert first.leads
    await first.cancel()


@virtual_time
async def test_a_renewal_that_was_done_but_not_answered_is_still_ours() -> None:
    """Its version is not known then; it is read, not taken for another's."""
    store = LeaseStore()
    first = Candidate(store, "first")
    await leads(first)
    first.connection.deaf = True
    await asyncio.sleep(3)
    first.connection.deaf = False
    await asyncio.sleep(60)
    assert first.leads
    await first.end()
    assert store.spec["holderIdentity"] == ""


@virtual_time
async def test_a_lease_that_somebody_annotates_is_still_ours() -> None:
    """Only another holder takes it away."""
    store = LeaseStore()
    first = Candidate(store, "first")
    await leads(first)
    assert store.lease is not None
    await store.set({**store.lease, "metadata": {**store.lease["metadata"], "annotations": {"seen": "yes"}}})
    await asyncio.sleep(60)
    assert first.leads
    await first.cancel()


@virtual_time
async def test_a_lease_that_is_taken_away_ends_the_work_at_the_next_renewal() -> None:
    """Whoever writes another holder means it."""
    store = LeaseStore()
    first = Candidate(store, "first")
    await leads(first)
    assert store.lease is not None
    await store.set({**store.lease, "spec": {**store.spec, "holderIdentity": "another"}})
    taken_at = now()
    await first.ended.wait()
    assert "taken by another" in first.lost
    assert first.led[0][1] - taken_at <= TERMS.retry + 0.1
    assert store.spec["holderIdentity"] == "another", "it is not given back by who does not have it"


@virtual_time
async def test_a_lease_that_is_deleted_ends_the_work_and_can_be_had_anew() -> None:
    """Another may have made it in between."""
    store = LeaseStore()
    first = Candidate(store, "first")
    await leads(first)
    second = Candidate(store, "second")
    await asyncio.sleep(1)
    await store.set(None)
    await leads(second, within=1)
    await first.ended.wait()
    assert first.led[0][1] - second.led[0][0] <= TERMS.retry, "a deletion is no way to hand over"
    await second.cancel()


@virtual_time
async def test_a_refused_renewal_is_tried_again_until_it_is_too_late() -> None:
    """Rights that are taken away end the leadership as silence does."""
    store = LeaseStore()
    first = Candidate(store, "first")
    await leads(first)
    first.connection.refusal = ApiError(403, "Forbidden", "leases is forbidden")
    refused_at = now()
    await first.ended.wait()
    assert TERMS.renew_within - TERMS.retry <= now() - refused_at <= TERMS.renew_within
    assert first.connection.writes >= 4


@virtual_time
async def test_clocks_that_differ_by_days_change_nothing() -> None:
    """The times in a Lease are for people: each waits on its own clock."""
    store = LeaseStore()
    first = Candidate(store, "first", clock=lambda: datetime(2020, 1, 1, tzinfo=UTC))
    await leads(first)
    second = Candidate(store, "second", clock=lambda: datetime(2030, 1, 1, tzinfo=UTC))
    await asyncio.sleep(120)
    assert first.leads and not second.leads
    assert store.spec["renewTime"] == "2020-01-01T00:00:00.000000Z"
    await first.cancel()
    await second.cancel()


@virtual_time
async def test_a_process_that_comes_back_under_its_name_need_not_wait() -> None:
    """The lease is its own."""
    store = LeaseStore()
    first = Candidate(store, "first")
    await leads(first)
    await first.kill()
    again = Candidate(store, "first")
    await leads(again, within=0.1)
    await again.cancel()


@virtual_time
async def test_what_the_work_raises_is_raised_as_it_is() -> None:
    """And the lease is given back."""
    store = LeaseStore()
    leader = Leader(cast(Server, Connection(store)), "laneway", "controller", "first", terms=TERMS)
    with pytest.raises(ZeroDivisionError):
        async with leader.leading():
            raise ZeroDivisionError
    assert store.spec["holderIdentity"] == ""
    assert not leader.leads


@virtual_time
async def test_work_that_stops_the_loop_for_too_long_ends_before_it_does_more() -> None:
    """After a stop of 12 s it is told at its next await, and `leads` is false before that."""
    store = LeaseStore()
    leader = Leader(cast(Server, Connection(store)), "laneway", "controller", "first", terms=TERMS)
    went_on = False
    with pytest.raises(LeadershipLostError):
        async with leader.leading():
            asyncio.get_running_loop().jump(12)  # type: ignore[attr-defined]
            assert not leader.leads
            await asyncio.sleep(0.001)
            went_on = True
    assert not went_on


def test_terms_under_which_two_could_lead_are_refused() -> None:
    """A renewal must be missed before the lease ends."""
    with pytest.raises(ValueError):
        Terms(lasts=10, renew_within=10, retry=2)
    with pytest.raises(ValueError):
        Terms(lasts=15, renew_within=2, retry=2)
