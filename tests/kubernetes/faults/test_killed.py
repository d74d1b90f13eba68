"""A controller that is killed after any of its writes: the next one, which knows nothing, ends it right."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from tests.kubernetes.faults.played import Played
from tests.kubernetes.faults.watching import Killing, Watching
from tests.kubernetes.faults.web import HELD, STEPS, Web

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

RELEASE_WRITES = 22
"""Of a whole 20 → 100 of four pods, without those of the App's status; counted below."""
ABORT_WRITES = 6
SIDE_BY_SIDE = 6


@dataclass(frozen=True)
class Story:
    """What is told to the App when it serves version 1, and where it ends."""

    begin: Callable[[Web], object]
    policy: tuple[object, ...]
    ends: str
    phase: str


async def release(web: Web) -> None:
    await web.deploy("2")


async def abort(web: Web) -> None:
    """Version 2 has its 20 % by now."""
    await web.ask("abort")


RELEASE = Story(release, STEPS, "2", "Promoted")
ABORT = Story(abort, HELD, "1", "RolledBack")


async def made(played: Played, namespaces: list[str], story: Story) -> list[Web]:
    """The apps where the story begins, made by a controller of their own, which ends."""
    webs = [Web(played, each, policy={"steps": list(story.policy)}) for each in namespaces]
    async with played.controller():
        for web in webs:
            await web.make()
        for web in webs:
            await web.until_settled("1", 120)
        if story is ABORT:
            for web in webs:
                await web.deploy("2")
            for web in webs:
                await web.until_weights(20, 80, seconds=120)
    return webs


async def told(web: Web, story: Story, after: int) -> list[str]:
    """The story, with a controller that is killed after so many writes. What was wrong."""
    watching = Watching(web)
    killing = Killing(watching, after)
    await web.cluster.until(web.rules, "the rules")
    async with web.cluster.controller(web.namespace, killing):
        await story.begin(web)  # type: ignore[misc]
        await _first(killing.dead.wait(), web.until_settled(story.ends))
    async with web.cluster.controller(web.namespace, watching):
        await web.until_settled(story.ends)
    return [f"after write {after}: {each}" for each in [*watching.wrong, *await ended(web, story)]]


async def ended(web: Web, story: Story) -> list[str]:
    """What is not as it should be at the end; a last controller finds nothing to write."""
    wrong = []
    phases = [each["status"]["phase"] for each in await web.releases()]
    if phases != [story.phase]:
        wrong.append(f"releases are {phases}")
    deployments = {
        each["metadata"]["name"]: each["spec"]["replicas"] for each in await web.listed("Deployment")
    }
    if sorted(deployments.values()) != [0, web.replicas]:
        wrong.append(f"there are the Deployments {deployments}")
    watching = Watching(web)
    async with web.cluster.controller(web.namespace, watching):
        await web.cluster.put({**web.app(), "spec": web.app()["spec"] | {"drift": "report"}})
        await web.until_settled(story.ends)
    return wrong + [f"at rest it writes {each}" for each in watching.writes]


async def _first(*these: object) -> None:
    """Until one of them is over; a failure of it is raised."""
    tasks = [asyncio.ensure_future(each) for each in these]  # type: ignore[call-overload]
    done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    for task in done:
        task.result()


async def side_by_side(played: Played, story: Story, name: str, writes: int) -> list[str]:
    """One namespace for each of the writes after which a controller is killed."""
    webs = await made(played, [f"{name}-{number}" for number in range(1, writes + 1)], story)
    turns = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(web: Web, after: int) -> list[str]:
        async with turns:
            found = await told(web, story, after)
            print(*found, sep="\n", end="")
            return found

    found = await asyncio.gather(*(one(web, number) for number, web in enumerate(webs, 1)))
    return [each for wrong in found for each in wrong]


async def test_a_release_ends_right_after_whichever_write_the_controller_is_killed(played: Played) -> None:
    assert not await side_by_side(played, RELEASE, "release", RELEASE_WRITES)


async def test_an_abort_ends_at_stable_after_whichever_write_the_controller_is_killed(
    played: Played,
) -> None:
    assert not await side_by_side(played, ABORT, "abort", ABORT_WRITES)


@pytest.mark.parametrize("story, writes", [(RELEASE, RELEASE_WRITES), (ABORT, ABORT_WRITES)])
async def test_a_story_has_no_more_writes_than_are_tried(
    played: Played, namespace: str, story: Story, writes: int
) -> None:
    """Else some would be after the last kill."""
    (web,) = await made(played, [namespace], story)
    watching = Watching(web)
    async with played.controller(namespace, watching):
        await story.begin(web)  # type: ignore[misc]
        await web.until_settled(story.ends)
    assert not watching.wrong
    print(f"\n{len(watching.writes)} writes: {[(verb, kind) for verb, kind, _ in watching.writes]}")
    assert len(watching.writes) <= writes


async def test_a_controller_that_never_gets_beyond_one_write_ends_a_release_too(
    played: Played, namespace: str
) -> None:
    (web,) = await made(played, [namespace], RELEASE)
    watching = Watching(web)
    await web.deploy("2")
    lives = 0
    while not await web.settled("2"):
        lives += 1
        assert lives < 100, await web.told()
        killing = Killing(watching, 1, every=True)
        async with played.controller(namespace, killing):
            await _first(killing.dead.wait(), web.until_settled("2"))
    print(f"\n{lives} lives of one write each")
    assert not watching.wrong
    assert not await ended(web, RELEASE)
