"""Two istiods, and one proxy that is cut off: it is named, forward moves wait for it, an abort does not."""

from __future__ import annotations

import json

import pytest
from tests.kubernetes.acceptance.shop import HELD, Shop
from tests.kubernetes.running import Cluster

from laneway.spec.release import Verb

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]


async def written(shop: Shop) -> list[int]:
    """The weights of the pharmacy's rules, as they are stored, smallest first."""
    rules = await shop.cluster.get("VirtualService", shop.namespace, "pharmacy")
    return sorted(route.get("weight", 100) for route in rules["spec"]["http"][-1]["route"])


def proxy(shop: Shop, name: str) -> str:
    """The name of a service's pod; the template's own may still be ending."""
    (pod,) = (each for each in shop.cluster.node.pods(shop.namespace, app=name) if not each.ending)
    return str(pod.body["metadata"]["name"])


async def until_named(shop: Shop, pod: str) -> None:
    """The App says that it waits for this pod."""

    async def named() -> bool:
        return f"{shop.namespace}/{pod}" in json.dumps((await shop.status()).get("conditions"))

    await shop.cluster.until(named, f"{pod} is named", 90)


async def test_a_proxy_that_is_cut_off_is_waited_for_by_all_but_an_abort(
    meshed: Cluster, namespace: str
) -> None:
    shop = Shop(meshed, namespace, policy={"steps": HELD})
    node = meshed.node
    async with meshed.controller():
        await shop.up()
        page = proxy(shop, "page")
        await node.cut_off(namespace, page)
        await shop.deploy("2.0")
        await until_named(shop, page)
        assert await written(shop) == [100], "it does not know the new version's subset"

        await node.reconnect(namespace, page)
        await shop.until_served({"blue": 80, "2.0": 20})
        await node.cut_off(namespace, page)
        await shop.ask(Verb.PROMOTE)
        await until_named(shop, page)
        before = await written(shop)
        assert before != [100], "some step is not confirmed by it"

        await shop.ask(Verb.ABORT)

        async def back() -> bool:
            return await written(shop) == [100]

        await meshed.until(back, "the abort is written", 30)
        await node.reconnect(namespace, page)
        await shop.until_phase("RolledBack", seconds=90)
        await shop.until_served({"blue": 100})
    await meshed.leave(namespace)


async def test_a_release_goes_on_when_one_istiod_ends(meshed: Cluster, namespace: str) -> None:
    shop = Shop(meshed, namespace, apps=("pharmacy", "inventory"), policy={"steps": HELD})
    async with meshed.controller():
        await shop.up()
        await shop.deploy("2.0")
        await shop.until_served({"blue": 80, "2.0": 20})
        await meshed.lab.stop_istiod(1)
        await shop.ask(Verb.PROMOTE)
        await shop.until_phase("Promoted", seconds=120)
        await shop.until_served({"2.0": 100})
        await meshed.lab.start_istiod(1)
    await meshed.leave(namespace)
