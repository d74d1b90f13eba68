"""What callers' proxies count of gRPC calls: those that failed by the server's fault, each once."""

from __future__ import annotations

import grpc
import pytest
from tests.mesh.running_mesh import RunningMesh
from tests.mesh.test_protocols_on_envoy import ORDERS, Application, channel, grpc_server

from laneway.mesh.envoy import Requests

pytestmark = [pytest.mark.mesh, pytest.mark.anyio]

VERSIONED = """
kind: DestinationRule
metadata: {name: orders}
spec: {host: orders, subsets: [{name: r-1, labels: {app: orders}}]}
---
kind: VirtualService
metadata: {name: orders}
spec:
  hosts: [orders]
  http: [{retries: {%(retries)s}, route: [{destination: {host: orders, subset: r-1}}]}]
---
kind: VirtualService
metadata: {name: public}
spec:
  hosts: [shop.example]
  gateways: [public]
  http: [{retries: {%(retries)s}, route: [{destination: {host: orders, subset: r-1}}]}]
"""
CLUSTER = "outbound|80|r-1|orders.shop.svc.cluster.local"
NONE = "attempts: 0"
FAULTS = ("UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS")
OTHERS = (
    *("CANCELLED", "INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "ABORTED"),
    *("RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "OUT_OF_RANGE", "UNAUTHENTICATED"),
)


async def counted(mesh: RunningMesh, proxy: str) -> tuple[int, int]:
    """Calls, and those that failed, as a proxy has them since its start."""
    found = (await mesh.proxies[proxy].admin.requests(r"outbound\|80\|r-1\|.*")).get(CLUSTER, Requests())
    return found.answered, found.failures_since(Requests())


async def failing(client: grpc.aio.Channel, *statuses: str) -> None:
    """One call for each of these statuses."""
    for status in statuses:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await client.unary_unary("/echo.Echo/Fail")(status.encode(), wait_for_ready=True)
        assert failed.value.code() is grpc.StatusCode[status]


async def test_statuses_that_are_the_servers_fault_are_failures(mesh: RunningMesh) -> None:
    """At a sidecar and at a gateway; what is the call's own fault is an answer."""
    app = Application(mesh)
    async with grpc_server(app.port):
        await app.meshed("grpc", VERSIONED % {"retries": NONE})
        for (address, authority), proxy in zip(app.ways(), ("shop/page", "istio-system/in"), strict=True):
            async with channel(address, authority) as client:
                assert await client.unary_unary("/echo.Echo/Say")(b"hello", wait_for_ready=True) == b"hello"
                await failing(client, *OTHERS)
                assert await counted(mesh, proxy) == (1 + len(OTHERS), 0)
                await failing(client, *FAULTS)
                assert await counted(mesh, proxy) == (1 + len(OTHERS) + len(FAULTS), len(FAULTS))


async def test_what_the_proxy_itself_answers_a_call_counts_once(mesh: RunningMesh) -> None:
    """Nobody listens: it is a 5xx to the proxy and a status to its client."""
    app = Application(mesh)
    await app.meshed("grpc", VERSIONED % {"retries": NONE})
    await app.without_sidecar()
    async with channel(app.outbound, ORDERS) as client:
        for _ in range(3):
            with pytest.raises(grpc.aio.AioRpcError):
                await client.unary_unary("/echo.Echo/Say")(b"hello", wait_for_ready=True)
    assert await counted(mesh, "shop/page") == (3, 3)


async def test_a_call_that_was_tried_again_counts_as_it_ended(mesh: RunningMesh) -> None:
    """Three tries were one call to its client."""
    app = Application(mesh)
    async with grpc_server(app.port), channel(app.outbound, ORDERS) as client:
        await app.meshed("grpc", VERSIONED % {"retries": "attempts: 2, retryOn: unavailable"})
        await failing(client, "UNAVAILABLE")
    assert await counted(mesh, "shop/page") == (1, 1)


async def test_codes_and_statuses_are_told_apart_where_that_is_asked_for(mesh: RunningMesh) -> None:
    """Also those that are no fault of the server's."""
    app = Application(mesh)
    async with grpc_server(app.port):
        await app.meshed("grpc", VERSIONED % {"retries": NONE})
        async with channel(app.outbound, ORDERS) as client:
            await failing(client, "RESOURCE_EXHAUSTED", "NOT_FOUND", "INTERNAL")
    found = await mesh.proxies["shop/page"].admin.requests(r"outbound\|80\|r-1\|.*", each_code=True)
    assert found[CLUSTER].statuses == {5: 1, 8: 1, 13: 1}
    assert found[CLUSTER].codes == {200: 3}
    assert found[CLUSTER].faults == 1
