"""An API server whose answers are late, refused or cut off: a release goes on, and stays safe."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from aiohttp import web
from tests.kubernetes.faults.between import Fault, between, gone, is_watch, status
from tests.kubernetes.faults.played import Played
from tests.kubernetes.faults.watching import Watching
from tests.kubernetes.faults.web import Web

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]


def every(nth: int, answer: web.Response | None = None, **of: str) -> Fault:
    """Refuse each n-th request that is no watch, with 429 or a conflict."""
    numbers = itertools.count(1)

    def fault(request: web.Request) -> web.Response | None:
        if is_watch(request) or (of and request.method != of["method"]) or next(numbers) % nth:
            return None
        return status(int(of.get("code", "429")), of.get("reason", "TooManyRequests"), 1 if not of else None)

    return fault


async def released(played: Played, namespace: str, fault: Fault, late_s: float = 0.0) -> Watching:
    """A whole release with a fault all the time; what was written."""
    web_ = Web(played, namespace)
    watching = Watching(web_)
    async with between(played.lab) as middle:
        middle.fault, middle.late_s = fault, late_s
        async with played.controller(namespace, watching, middle.url) as running:
            await web_.make()
            await web_.until_settled("1", 90)
            watching.writes.clear()
            await web_.deploy("2")
            await web_.until_settled("2", 120)
            assert not running.task.done()
        print(f"\n{middle.refused} answers were the test's own; {len(watching.writes)} writes")
        assert middle.refused or late_s
    assert not watching.wrong
    assert [each["status"]["phase"] for each in await web_.releases()] == ["Promoted"]
    return watching


async def test_a_release_goes_on_where_every_third_request_is_too_much(
    played: Played, namespace: str
) -> None:
    await released(played, namespace, every(3))


async def test_a_release_goes_on_where_somebody_else_was_always_faster(
    played: Played, namespace: str
) -> None:
    """Some writes meet a conflict at first; after one of rules, old ones have to be confirmed anew."""
    await released(played, namespace, every(7, method="PATCH", code="409", reason="Conflict"))


async def test_what_is_written_is_known_before_any_watch_tells_it(played: Played, namespace: str) -> None:
    """Watches are two seconds late: nothing is written twice for that."""
    watching = await released(played, namespace, lambda request: None, late_s=2.0)
    numbers = Counter(key for verb, kind, key in watching.writes if kind == "ControllerRevision")
    made = [kind for verb, kind, _ in watching.writes if verb == "create"]
    assert sorted(made) == ["ControllerRevision", "Deployment", "Release"]
    assert max(numbers.values()) <= 2, "made, and given its role at the end"


async def test_nothing_is_missed_where_no_watch_can_be_taken_up_again(played: Played, namespace: str) -> None:
    """Every watch ends after a while, and its version is always too old by then."""

    def fault(request: web.Request) -> web.Response | None:
        taken_up = is_watch(request) and "sendInitialEvents" not in request.query
        return gone() if taken_up else None

    async with between(played.lab) as middle:
        middle.fault, middle.watch_s = fault, 1.5
        web_ = Web(played, namespace)
        watching = Watching(web_)
        async with played.controller(namespace, watching, middle.url):
            await web_.make()
            await web_.until_settled("1", 90)
            await web_.deploy("2")
            await web_.until_settled("2", 120)
        print(f"\n{middle.refused} watches were too old")
        assert middle.refused
    assert not watching.wrong
