"""Parts of the control plane that end: several istiods share the Envoys, and the API server comes back."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator

import aiohttp
import pytest
from tests.lab.api import Object
from tests.lab.control_plane import ControlPlane
from tests.lab.node.node import Node
from tests.lab.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

NAMESPACE = "two"
PODS = 4


@pytest.fixture(scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ControlPlane]:
    async with ControlPlane(tmp_path_factory.mktemp("istiods"), istiods=2) as running:
        yield running


@pytest.fixture(scope="module")
async def node(lab: ControlPlane) -> AsyncIterator[Node]:
    async with Node(lab, {}) as running:
        await lab.apply(deployment())
        await running.until_ready(NAMESPACE, PODS)
        yield running


def deployment() -> list[Object]:
    labels = {"app": "one"}
    container = {"name": "main", "image": "any", "command": ["sleep", "1000"]}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
    }
    meta = {"name": "one", "namespace": NAMESPACE}
    return [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": NAMESPACE, "labels": {"istio-injection": "enabled"}},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": meta,
            "spec": {"replicas": PODS, "selector": {"matchLabels": labels}, "template": template},
        },
    ]


async def connected(lab: ControlPlane, number: int) -> list[str]:
    """The proxies of the namespace that an istiod has a connection of."""
    url = f"{lab.istiods[number].debug}/debug/syncz"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        found = await answer.json(content_type=None)
    names = (str(each.get("proxy") or each.get("node", {}).get("id", "")) for each in found)
    return [name for name in names if NAMESPACE in name]


async def test_they_have_equal_parts_of_the_envoys(lab: ControlPlane, node: Node) -> None:
    del node
    assert [len(await connected(lab, number)) for number in (0, 1)] == [PODS / 2, PODS / 2]


async def test_an_envoy_that_is_cut_off_is_known_to_none(lab: ControlPlane, node: Node) -> None:
    name = node.pods(NAMESPACE, app="one")[0].body["metadata"]["name"]

    async def known(number: int) -> bool:
        return number == sum([len(await connected(lab, each)) for each in (0, 1)])

    await node.cut_off(NAMESPACE, name)
    await until(lambda: known(PODS - 1))
    await node.reconnect(NAMESPACE, name)
    await until(lambda: known(PODS))


async def test_one_takes_over_what_another_had(lab: ControlPlane, node: Node) -> None:
    del node
    await lab.stop_istiod(1)

    async def taken() -> bool:
        return len(await connected(lab, 0)) == PODS

    await until(taken)


async def test_the_node_goes_on_when_the_api_server_is_back(lab: ControlPlane, node: Node) -> None:
    namespace, wanted = deployment()
    del namespace
    await lab.stop_apiserver(0)
    (first, *_) = node.pods(NAMESPACE, app="one")
    assert first.own[0].process is not None
    first.own[0].process.signal(signal.SIGKILL)
    await lab.start_apiserver()
    wanted["spec"]["replicas"] = PODS + 1
    await lab.apply(wanted)
    await node.until_ready(NAMESPACE, PODS + 1)
    restarts = [each["restartCount"] for each in first.body["status"]["containerStatuses"]]
    assert sum(restarts) == 1
