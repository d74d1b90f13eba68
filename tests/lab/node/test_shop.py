"""The example shop on the lab's node: real pods, sidecars and ingress gateway under a real istiod."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest
from tests.acceptance.binomial import interval
from tests.lab.control_plane import ControlPlane
from tests.lab.node import gateways, shop
from tests.lab.node.node import Node
from tests.lab.waiting import until

from laneway.local.http1 import Request
from laneway.local.load import Load, Profile, in_background

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

NAMESPACE = "shop"


@pytest.fixture(scope="module")
async def node(lab: ControlPlane, node: Node) -> Node:
    """With the whole shop on it; the pharmacy has a second version, which nothing chooses yet."""
    await lab.apply([*gateways.ingress(), *shop.objects(NAMESPACE), *shop.door(NAMESPACE)])
    await lab.apply(shop.versioned(NAMESPACE, "pharmacy", "green", 1))
    await node.until_ready(NAMESPACE, shop.PODS + 1)
    await node.until_ready(gateways.NAMESPACE, 1)
    await until(lambda: answers(node, "/"))
    return node


async def ask(node: Node, path: str, lane: str = "") -> Mapping[str, Any]:
    headers = {"Host": shop.HOST} | ({"x-lane": lane} if lane else {})
    async with (
        aiohttp.ClientSession() as session,
        session.get(node.ingress_url() + path, headers=headers) as answer,
    ):
        if answer.status != 200:
            return {"status": answer.status}
        found: Mapping[str, Any] = await answer.json()
        return found


async def answers(node: Node, path: str) -> bool:
    return "service" in await ask(node, path)


async def versions(node: Node, requests: int, lane: str = "") -> Counter[str]:
    """Of the pharmacy that answered, by the page."""
    found = [await ask(node, "/", lane) for _ in range(requests)]
    hops = (hop for each in found for hop in each.get("hops", []))
    return Counter(hop["version"] for hop in hops if hop["service"] == "pharmacy")


async def test_a_request_passes_through_every_app_and_out_to_the_partner(node: Node) -> None:
    page = await ask(node, "/")
    (pharmacy,) = (hop for hop in page["hops"] if hop["service"] == "pharmacy")
    assert pharmacy["hops"][0]["hops"][0]["service"] == "labs"


async def test_a_pods_status_tells_of_its_application_and_of_its_sidecar(node: Node) -> None:
    (pod,) = node.pods(NAMESPACE, app="inventory")
    status = pod.body["status"]
    assert {each["name"] for each in status["containerStatuses"]} == {"istio-proxy", "inventory"}
    assert {each["type"] for each in status["conditions"] if each["status"] == "True"} == {
        "PodScheduled",
        "Initialized",
        "ContainersReady",
        "Ready",
    }
    assert "sidecar.istio.io/status" in pod.body["metadata"]["annotations"]


async def test_the_partners_pod_has_no_sidecar(node: Node) -> None:
    (pod,) = node.pods(NAMESPACE, app="labs")
    assert [each["name"] for each in pod.body["status"]["containerStatuses"]] == ["labs"]


async def test_weights_and_a_lane_header_hold_inside_the_mesh(lab: ControlPlane, node: Node) -> None:
    await lab.apply(shop.versioned(NAMESPACE, "pharmacy", "blue", 1))
    await node.until_ready(NAMESPACE, shop.PODS + 2)
    weights = {"blue": 80, "green": 20}
    await lab.apply(shop.split(NAMESPACE, "pharmacy", weights, {"new": "green"}))
    await until(lambda: only(node, "green", lane="new"))

    found = await versions(node, 300)
    low, high = interval(300, 0.2, 0.9999)
    assert found["blue"] + found["green"] == 300
    assert low <= found["green"] <= high
    assert set(await versions(node, 20, lane="new")) == {"green"}


async def only(node: Node, version: str, lane: str) -> bool:
    return set(await versions(node, 10, lane)) == {version}


async def test_an_envoy_that_is_cut_off_keeps_its_old_routes_until_it_is_connected_again(
    lab: ControlPlane, node: Node
) -> None:
    (page,) = node.pods(NAMESPACE, app="page")
    name = page.body["metadata"]["name"]
    await lab.apply(shop.split(NAMESPACE, "pharmacy", {"green": 100}, {}))
    await until(lambda: only(node, "green", lane=""))
    await node.cut_off(NAMESPACE, name)

    await lab.apply(shop.split(NAMESPACE, "pharmacy", {"green": 100}, {"test": "blue"}))
    await until(lambda: gateway_knows(node, "outbound|80|blue|pharmacy"))
    assert await only(node, "green", lane="test")

    await node.reconnect(NAMESPACE, name)
    await until(lambda: only(node, "blue", lane="test"))


async def gateway_knows(node: Node, text: str) -> bool:
    (pod,) = node.pods(gateways.NAMESPACE, app=gateways.INGRESS)
    assert pod.proxy is not None
    return text in await pod.proxy.admin.text("/clusters")


async def test_sidecars_prove_to_each_other_who_they_are(lab: ControlPlane, node: Node) -> None:
    locked = shop.mutual_tls(NAMESPACE, "inventory")
    await lab.apply(locked)
    (inventory,) = node.pods(NAMESPACE, app="inventory")

    async def refused() -> bool:
        async with aiohttp.ClientSession() as session:
            try:
                await session.get(f"http://{inventory.address}:8080/healthz")
            except aiohttp.ClientError:
                return True
            return False

    await until(refused)
    await until(lambda: answers(node, "/pharmacy"))
    for each in locked:
        await lab.api.delete(each)
    await until(lambda: answers(node, "/pharmacy"))


async def test_pods_that_go_under_load_lose_no_request(lab: ControlPlane, node: Node) -> None:
    wanted = shop.deployment(NAMESPACE, "pharmacy")
    template = wanted["spec"]["template"]
    template["spec"]["containers"][0]["lifecycle"] = {"preStop": {"sleep": {"seconds": 5}}}
    await lab.apply(wanted)
    await until(lambda: rolled(lab, "pharmacy"))
    await until(lambda: settled(node, "pharmacy"))

    load = Load((node.ingress(), 80), Profile(Request(shop.HOST, "/pharmacy"), rate=60))
    with in_background(load):
        before = {pod.uid for pod in of_deployment(node, "pharmacy")}
        for pod in of_deployment(node, "pharmacy")[:2]:
            await lab.api.request("DELETE", pod.path)
        await until(lambda: gone(node, before, 2))
        await until(lambda: rolled(lab, "pharmacy"))
        wanted["spec"]["template"]["metadata"]["annotations"] = {"roll": "1"}
        await lab.apply(wanted)
        await until(lambda: gone(node, before, len(before)))
    assert len(load.samples) > 200
    assert [sample for sample in load.samples if sample.error] == []


async def settled(node: Node, name: str) -> bool:
    """Whether no pod of an app is ending, and the gateway sends to those that are there, no others."""
    (pod,) = node.pods(gateways.NAMESPACE, app=gateways.INGRESS)
    assert pod.proxy is not None
    lines = (await pod.proxy.admin.text("/clusters")).splitlines()
    cluster = f"outbound|80||{name}.{NAMESPACE}.svc.cluster.local::"
    known = {line.split("::")[1].partition(":")[0] for line in lines if line.startswith(cluster + "10.")}
    return known == {each.address for each in node.pods(NAMESPACE, app=name)}


def of_deployment(node: Node, name: str) -> list[Any]:
    return [pod for pod in node.pods(NAMESPACE, app=name) if "version" not in pod.body["metadata"]["labels"]]


async def gone(node: Node, before: set[str], number: int) -> bool:
    return len(before - {pod.uid for pod in of_deployment(node, "pharmacy")}) >= number


async def rolled(lab: ControlPlane, name: str) -> bool:
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}"
    found = await lab.api.get(path)
    status, replicas = found["status"], found["spec"]["replicas"]
    return bool(
        status.get("observedGeneration") == found["metadata"]["generation"]
        and status.get("updatedReplicas") == status.get("availableReplicas") == replicas
        and status.get("replicas") == replicas
    )
