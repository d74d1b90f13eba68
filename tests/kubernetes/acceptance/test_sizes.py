"""How many pods versions have on a real cluster while their weights change, under load that may not fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.kubernetes.acceptance.loads import loads, running, without_failure
from tests.kubernetes.acceptance.shop import HELD, STEPS, Shop

from laneway.spec.release import Verb

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

RATE = 40
MOSTLY = ({"weight": 25, "hold": "0s"}, {"weight": 75, "hold": "10m"}, {"weight": 100})
HALF = ({"weight": 50, "hold": "10m"}, {"weight": 100})


@asynccontextmanager
async def pods_at_a_time(shop: Shop) -> AsyncIterator[list[int]]:
    """How many pods the pharmacy had, from moment to moment, those that ended included."""
    found: list[int] = []

    async def look() -> None:
        while True:
            found.append(len(shop.pods()))
            await asyncio.sleep(0.05)

    looking = asyncio.create_task(look())
    try:
        yield found
    finally:
        looking.cancel()


@pytest.mark.parametrize("way", ["asked", "template"])
async def test_stable_shrinks_with_its_weight_and_grows_before_traffic_returns(shop: Shop, way: str) -> None:
    """Four pods and a surge of one, at no moment more; back from 75 % no request meets too few pods."""
    shop.replicas, shop.policy = 4, {"steps": MOSTLY}
    await shop.up()
    async with (
        pods_at_a_time(shop) as pods,
        without_failure(shop, f"75 % and back, {way}", rate=RATE) as load,
    ):
        await shop.deploy("green")
        await shop.until_served({"blue": 25, "green": 75})
        await shop.until_tags({"blue": 1, "green": 3})
        assert max(pods) <= 5
        if way == "asked":
            await shop.ask(Verb.ABORT)
        else:
            await shop.deploy("blue")
        await shop.until_served({"blue": 100})
        await shop.until_pods(4)
        assert set(await load.more()) == {"blue"}
    assert shop.tags() == {"blue": 4}


async def test_an_app_that_is_scaled_while_its_release_is_held(shop: Shop) -> None:
    """Each version gets its share of more pods at once; of fewer when the release is over."""
    shop.policy, shop.scale = {"steps": HELD}, {"replicas": 2}
    await shop.up()
    async with without_failure(shop, "scaled while held", rate=RATE):
        await shop.deploy("green")
        await shop.until_served({"blue": 80, "green": 20})
        await shop.until_tags({"blue": 2, "green": 1})
        shop.scale = {"replicas": 5}
        await shop.rule()
        await shop.until_tags({"blue": 4, "green": 1})
        shop.scale = {"replicas": 2}
        await shop.rule()
        await shop.ask(Verb.PROMOTE)
        await shop.until_served({"green": 100})
        await shop.until_tags({"green": 2})


async def test_an_app_that_is_scaled_while_its_new_version_does_not_start(shop: Shop) -> None:
    """Stable has all of the traffic, and all of the pods."""
    shop.scale = {"replicas": 2}
    await shop.up()
    async with without_failure(shop, "scaled while the new one does not start", rate=RATE) as load:
        await shop.deploy("green", image="registry.example/shop/nowhere")
        await shop.until_tags({"blue": 2, "green": 1})
        shop.scale = {"replicas": 3}
        await shop.rule()
        await shop.until_tags({"blue": 3, "green": 1})
        shop.scale = {"replicas": 2}
        await shop.deploy("blue")
        await shop.until_pods(2)
    assert load.versions == {"blue"}


async def test_stable_is_scaled_down_after_an_abort(shop: Shop) -> None:
    """Its subset stays what it was."""
    shop.policy, shop.scale = {"steps": HELD}, {"replicas": 3}
    await shop.up()
    async with without_failure(shop, "scaled down after an abort", rate=RATE):
        await shop.deploy("green")
        await shop.until_served({"blue": 80, "green": 20})
        await shop.ask(Verb.ABORT)
        await shop.until_served({"blue": 100})
        shop.scale = {"replicas": 1}
        await shop.rule()
        await shop.until_pods(1)
    assert shop.tags() == {"blue": 1}


async def test_a_pod_of_the_new_version_that_is_deleted_is_replaced_in_mid_release(shop: Shop) -> None:
    """The release goes on where it was, with the pod beside it and then with another."""
    shop.replicas, shop.policy = 4, {"steps": HALF}
    await shop.up()
    async with without_failure(shop, "a pod deleted", rate=RATE):
        await shop.deploy("green")
        await shop.until_served({"blue": 50, "green": 50})
        await shop.until_tags({"blue": 2, "green": 2})
        gone, _ = (pod.name for pod in shop.pods() if pod.tag == "green")
        await shop.delete("Pod", gone)
        await shop.cluster.until(lambda: _is_replaced(shop, gone), "another pod of the new version")
        await shop.until_served({"blue": 50, "green": 50})
        await shop.ask(Verb.PROMOTE)
        await shop.until_served({"green": 100})


async def _is_replaced(shop: Shop, gone: str) -> bool:
    there = [pod.name for pod in shop.pods() if pod.tag == "green"]
    return len(there) == 2 and gone not in there


async def test_a_new_version_that_loses_all_pods_loses_its_weight(shop: Shop) -> None:
    """Until proxies know, they have nobody to send its share to; then, and in an abort, no request fails."""
    shop.policy = {"steps": HALF}
    await shop.up()
    load = loads(shop, rate=RATE)
    async with running(load):
        await shop.deploy("green")
        await shop.until_served({"blue": 50, "green": 50})
        assert not load.errors
        (only,) = (pod.name for pod in shop.pods() if pod.tag == "green")
        await shop.delete("Pod", only)
        await shop.until_served({"blue": 100})
        print(f"\nall pods deleted: {load.line()}")
        assert all("no healthy upstream" in error for error in load.errors)
    async with without_failure(shop, "an abort after all pods were deleted", rate=RATE) as after:
        await shop.ask(Verb.ABORT)
        await shop.until_phase("RolledBack")
        await shop.until_pods(2)
        assert set(await after.more()) == {"blue"}


async def test_the_old_pods_are_kept_for_an_undo_at_once_and_then_go(shop: Shop) -> None:
    """Within the time an undo needs no step and no new pod; after it, going back is a release."""
    shop.policy = {"steps": STEPS, "keepOld": "10m"}
    await shop.up()
    async with without_failure(shop, "kept, undone, gone", rate=RATE):
        before = {pod.name for pod in shop.pods()}
        await shop.deploy("green")
        await shop.until_served({"green": 100})
        assert shop.tags() == {"blue": 2, "green": 2}
        await shop.ask(Verb.UNDO)
        await shop.until_served({"blue": 100})
        assert {pod.name for pod in shop.pods() if pod.tag == "blue"} == before
        shop.policy = {"steps": STEPS, "keepOld": "1s"}
        await shop.deploy("2.0")
        await shop.until_served({"2.0": 100})
        await shop.until_pods(2)
        shop.policy = {"steps": HELD}
        await shop.deploy("blue")
        await shop.until_served({"2.0": 80, "blue": 20})


async def test_each_version_has_an_autoscaler_bounded_by_its_weight(shop: Shop) -> None:
    """One never counts the other's pods; when the release is over, the new version's has all of it."""
    resource = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}
    shop.scale = {"min": 2, "max": 10, "metrics": [{"type": "Resource", "resource": resource}]}
    shop.policy = {"steps": HELD}
    await shop.up()
    async with without_failure(shop, "autoscalers", rate=RATE):
        assert await _bounds(shop) == [(2, 10)]
        await shop.deploy("green")
        await shop.until_served({"blue": 80, "green": 20})
        assert await _bounds(shop) == [(1, 2), (2, 8)]
        assert shop.tags() == {"blue": 2, "green": 1}
        await shop.ask(Verb.PROMOTE)
        await shop.until_served({"green": 100})
        await shop.until_pods(2)
        assert await _bounds(shop) == [(2, 10)]


async def _bounds(shop: Shop) -> list[tuple[int, int]]:
    """Of each autoscaler."""
    raw, _ = await shop.cluster.server.list("HorizontalPodAutoscaler", shop.namespace)
    specs = [json.loads(each)["spec"] for each in raw]
    return sorted((each["minReplicas"], each["maxReplicas"]) for each in specs)
