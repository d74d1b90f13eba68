"""Not one request fails while versions come and go: with retries, and without any, which would hide a drop.

An open-loop load of 100 requests per second runs through each of two systems: an app, and what it calls. Each
request takes a while, so that some are on their way to every pod at any time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.acceptance.running import Laneway
from tests.acceptance.systems import Service, system, write

from laneway.local.http1 import Request
from laneway.local.load import Load, Profile, in_background

pytestmark = pytest.mark.mesh

RATE = 100
STEPS = ({"weight": 20, "hold": "1s"}, {"weight": 100})
NO_RETRIES = {"attempts": 0}
BACK = Service("back", replicas=2, steps=STEPS, delay_ms=120)
FRONT = Service("front", calls=(BACK.url,), hosts=("front.test",))
BARE_BACK = replace(BACK, name="bare-back", retries=NO_RETRIES)
BARE_FRONT = replace(
    FRONT, name="bare-front", calls=(BARE_BACK.url,), hosts=("bare.test",), retries=NO_RETRIES
)
BACKS = ("back", "bare-back")
PODS = 6


@pytest.fixture(scope="module")
def shop(laneway: Laneway, folder: Path) -> Laneway:
    laneway.up(write(folder, system([FRONT, BACK, BARE_FRONT, BARE_BACK])).parent)
    return laneway


@contextmanager
def load_without_failure(laneway: Laneway, lane: str = "") -> Iterator[list[Load]]:
    """The load on both systems, in a lane or in none; labels are the dependency's versions."""
    headers = {"x-lane": lane} if lane else {}
    loads = [
        Load(
            laneway.address,
            Profile(Request(host, headers=headers), RATE),
            label=lambda answer: str(answer["hops"][0]["version"]),
        )
        for host in ("front.test", "bare.test")
    ]
    with ExitStack() as running:
        for load in loads:
            running.enter_context(in_background(load))
        yield loads
    for load in loads:
        assert load.counts().requests > RATE
        assert load.counts().errors == {}
    assert laneway.sent_again("bare-") == 0, "nothing was sent to a pod that did not take it"


def release(laneway: Laneway, folder: Path, version: str, back: Service = BACK) -> None:
    """Starts a release of the dependency in both systems."""
    bare = replace(back, name="bare-back", retries=NO_RETRIES)
    objects = system([FRONT, replace(back, version=version), BARE_FRONT, replace(bare, version=version)])
    laneway.apply(write(folder, objects))


def wait(laneway: Laneway, code: int) -> None:
    for app in BACKS:
        done = laneway.run("release", "wait", app, "--timeout", "60s")
        assert done.code == code, done.err


def more_answers(laneway: Laneway, loads: list[Load]) -> None:
    """Waits until half a second's worth of requests more has ended on each load."""
    goals = [len(load.samples) + RATE // 2 for load in loads]
    laneway.until(
        "more answers",
        lambda: all(len(load.samples) >= goal for load, goal in zip(loads, goals, strict=True)),
    )


def test_a_canary_from_20_to_100_fails_no_request(shop: Laneway, folder: Path) -> None:
    """Up to the last pod of the old version."""
    with load_without_failure(shop) as loads:
        release(shop, folder, "v2")
        wait(shop, 0)
        shop.until("old pods are gone", lambda: shop.pods() == PODS)
    assert all(set(load.counts().labels) == {"v1", "v2"} for load in loads)
    for app in BACKS:
        shop.until_serves(app, {"v2": 100})


def test_an_abort_at_20_percent_fails_no_request(shop: Laneway, folder: Path) -> None:
    """All traffic is back at the version before, and the aborted one is gone."""
    with load_without_failure(shop) as loads:
        release(shop, folder, "v3", replace(BACK, steps=({"weight": 20, "hold": "10m"}, {"weight": 100})))
        for app in BACKS:
            shop.until_served(app, 20)
        for app in BACKS:
            shop.json("release", "abort", app)
        wait(shop, 3)
        shop.until("aborted pods are gone", lambda: shop.pods() == PODS)
        more_answers(shop, loads)
    assert all("v3" in load.counts().labels for load in loads)
    assert all({sample.label for sample in load.samples[-RATE // 4 :]} == {"v2"} for load in loads)


def test_a_lane_that_comes_and_goes_fails_no_request(shop: Laneway) -> None:
    """Requests outside of the lane never see it; those in it do, and none is lost at its end."""
    with load_without_failure(shop) as outside, load_without_failure(shop, "try") as inside:
        apps = [f"--app={app}=registry.test/{app}:lane" for app in BACKS]
        shop.json("lane", "up", "try", *apps, "--wait")
        more_answers(shop, inside)
        shop.json("lane", "rm", "try", "--wait")
        more_answers(shop, inside)
    assert all(set(load.counts().labels) == {"v2"} for load in outside)
    assert all(set(load.counts().labels) == {"v2", "lane"} for load in inside)
    assert all(load.samples[-1].label == "v2" for load in inside)


def test_kill_9_in_mid_canary_continues_and_fails_no_request(shop: Laneway, folder: Path) -> None:
    """Pods and proxies serve on without laneway; started again, it goes on where the world stands."""
    with load_without_failure(shop) as loads:
        release(shop, folder, "v4", replace(BACK, steps=({"weight": 20, "hold": "3s"}, {"weight": 100})))
        shop.until_served("back", 20)
        shop.kill_daemon()
        more_answers(shop, loads)
        shop.up()
        wait(shop, 0)
    for app in BACKS:
        shop.until_serves(app, {"v4": 100})
