"""Confirmations of real Envoys: what is confirmed is served, and who is cut off is known."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
from tests.kubernetes.confirm.mesh import until
from tests.lab.control_plane import ControlPlane
from tests.lab.istiod import AUDIENCE
from tests.lab.node import gateways, shop
from tests.lab.node.images import Images
from tests.lab.node.node import Node

from laneway.kubernetes.confirm.access import Access
from laneway.kubernetes.confirm.confirmations import Confirmations
from laneway.kubernetes.confirm.decide import BEHIND, CUT_OFF
from laneway.kubernetes.confirm.markers import marked
from laneway.kubernetes.confirm.wanted import Pod, Rules
from laneway.spec.meta import Key

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

NAMESPACE = "shop"
RULES = Key(NAMESPACE, "pharmacy")
HOST = "pharmacy.shop.svc.cluster.local"
VERSIONS = ("blue", "green")


class Shop:
    """The shop, its pharmacy in two versions, and who confirms."""

    def __init__(self, lab: ControlPlane, node: Node, confirmations: Confirmations) -> None:
        self.lab = lab
        self.node = node
        self.confirmations = confirmations

    async def write(self, weights: dict[str, int]) -> Rules:
        """Write the pharmacy's rules, and await them."""
        subsets, rules = shop.split(NAMESPACE, "pharmacy", weights, {})
        await self.lab.apply(subsets)
        spec, marker = marked(RULES, rules["spec"] | {"hosts": [HOST]})
        await self.lab.apply(rules | {"spec": spec})
        wanted = Rules(marker, (HOST,))
        self.confirmations.watch({RULES: wanted}, [])
        return wanted

    async def confirmed(self, wanted: Rules) -> None:
        """Wait until the rules are confirmed."""
        await until(self.confirmations, lambda: self.confirmations.rules(RULES, wanted.marker), seconds=60)

    async def versions(self, requests: int) -> Counter[str]:
        """Of the pharmacy that answered, by the page."""
        found: Counter[str] = Counter()
        async with aiohttp.ClientSession() as session:
            for _ in range(requests):
                async with session.get(self.node.ingress_url(), headers={"Host": shop.HOST}) as answer:
                    page: dict[str, Any] = await answer.json()
                found.update(hop["version"] for hop in page["hops"] if hop["service"] == "pharmacy")
        return found

    def page(self) -> str:
        """The name of the page's pod."""
        (pod,) = self.node.pods(NAMESPACE, app="page")
        return str(pod.body["metadata"]["name"])


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """Two istiods, real Envoys, and the shop."""
    async with (
        ControlPlane(tmp_path_factory.mktemp("lab"), istiods=2) as lab,
        Node(lab, Images.of(shop.FOLDER)) as node,
    ):
        account = {"apiVersion": "v1", "kind": "ServiceAccount"}
        await lab.apply(account | {"metadata": {"name": "laneway", "namespace": "istio-system"}})
        await lab.apply([*gateways.ingress(), *shop.objects(NAMESPACE), *shop.door(NAMESPACE)])
        await lab.apply([shop.versioned(NAMESPACE, "pharmacy", version, 1) for version in VERSIONS])
        await node.until_ready(NAMESPACE, shop.PODS + len(VERSIONS), seconds=120)
        await node.until_ready(gateways.NAMESPACE, 1)
        token = await lab.service_account_token("istio-system", "laneway", AUDIENCE)
        access = Access(root=lab.mesh_authority.read_bytes, token=lambda: token)
        confirmations = Confirmations(access, lambda: _meshed(node))
        confirmations.istiods(each.secure for each in lab.istiods)
        task = asyncio.create_task(confirmations.run())
        yield Shop(lab, node, confirmations)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _meshed(node: Node) -> list[Pod]:
    return [
        Pod(namespace, name, gateway=namespace == gateways.NAMESPACE)
        for pod in node.all_pods()
        if pod.proxy and pod.ready and not pod.ending
        for namespace, name in [(pod.body["metadata"]["namespace"], pod.body["metadata"]["name"])]
    ]


async def test_what_is_confirmed_is_what_envoys_serve(running: Shop) -> None:
    for number in range(10):
        version = VERSIONS[number % 2]
        await running.confirmed(await running.write({version: 100}))
        assert set(await running.versions(5)) == {version}


async def test_an_envoy_that_is_cut_off_is_named_until_it_is_back_and_serves_the_rules(running: Shop) -> None:
    await running.confirmed(await running.write({"blue": 100}))
    await running.node.cut_off(NAMESPACE, running.page())
    wanted = await running.write({"green": 100})
    found, page = running.confirmations, f"{NAMESPACE}/{running.page()}"
    await until(found, lambda: found.reasons() == {page: CUT_OFF}, seconds=60)
    assert set(await running.versions(5)) == {"blue"}

    await running.node.reconnect(NAMESPACE, running.page())
    await running.confirmed(wanted)
    assert set(await running.versions(5)) == {"green"}


async def test_an_envoy_that_istiod_takes_for_connected_is_named_while_it_hears_nothing(
    running: Shop,
) -> None:
    await running.confirmed(await running.write({"blue": 100}))
    running.node.stall(NAMESPACE, running.page())
    wanted = await running.write({"green": 100})
    found, page = running.confirmations, f"{NAMESPACE}/{running.page()}"
    await until(found, lambda: found.reasons() == {page: BEHIND}, seconds=60)
    assert set(await running.versions(5)) == {"blue"}

    await running.node.reconnect(NAMESPACE, running.page())
    await running.confirmed(wanted)
    assert set(await running.versions(5)) == {"green"}
