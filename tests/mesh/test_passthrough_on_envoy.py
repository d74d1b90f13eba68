"""What the mesh does not know passes where it may, and only there."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace

import pytest
from tests.mesh.mesh_objects import parse, rules
from tests.mesh.running_mesh import LOOPBACK, Backend, RunningMesh, free_port

from laneway.mesh.world import GatewayProxy, Pipe, Sidecar

pytestmark = [pytest.mark.mesh, pytest.mark.anyio]

SERVICE = """
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
"""


def machine_address() -> str:
    """An address of this machine that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has loopback addresses only")
        return str(probe.getsockname()[0])


async def tunnel(target: str, address: tuple[str, int] | Pipe) -> str:
    """What a server says through a tunnel to it; the status if there is none."""
    if isinstance(address, Pipe):
        reader, writer = await asyncio.open_unix_connection(address.path)
    else:
        reader, writer = await asyncio.open_connection(*address)
    writer.write(f"CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    status = head.split(" ", 2)[1]
    if status == "200":
        writer.write(b"GET / HTTP/1.1\r\nhost: inside\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        status = (await reader.readexactly(len("outside"))).decode()
    writer.close()
    return status


async def test_unknown_hosts_are_for_those_who_may(mesh: RunningMesh) -> None:
    """ALLOW_ANY for requests and tunnels, at once and again; hosts of the mesh keep their rules."""
    outside = await mesh.backend("outside")
    web = await mesh.backend("web", app="web")
    mesh.plane.upsert(parse(SERVICE)[0])
    only = {"match": [{"uri": {"prefix": "/known"}}], "route": [{"destination": {"host": "web"}}]}
    mesh.plane.upsert(rules(only, name="web"))
    mesh.plane.set_pods([web.pod()])
    proxy = await mesh.sidecar()
    await mesh.publish()
    caller = await mesh.caller(proxy)
    target = f"{LOOPBACK}:{outside.port}"
    assert (await caller.get(target))[0] == 502
    mesh.plane.set_passthrough(True)
    await mesh.publish()
    caller = await mesh.caller(proxy)
    assert isinstance(proxy.proxy, Sidecar)
    assert await caller.get(target) == (200, "outside")
    assert await caller.get(f"localhost:{outside.port}") == (200, "outside")
    assert await tunnel(target, proxy.proxy.outbound) == "outside"
    assert await caller.get("web", "/known") == (200, "web")
    assert (await caller.get("web", "/else"))[0] == 404
    mesh.plane.set_passthrough(False)
    await mesh.publish()
    caller = await mesh.caller(proxy)
    assert (await caller.get(target))[0] == 502
    assert await tunnel(target, proxy.proxy.outbound) != "outside"


async def test_a_gateway_lets_out_what_sidecars_lead_to_it(mesh: RunningMesh) -> None:
    """Tunnels and requests; never to its own machine."""
    pipe = Pipe(str(mesh.folder / "out.sock"))
    labels = {"istio": "egressgateway"}
    await mesh.start(GatewayProxy("egress", "istio-system", labels, {}, passthrough=pipe))
    await mesh.publish()
    async with Backend("outside", {}, machine_address()) as outside:
        for own in (f"{LOOPBACK}:{outside.port}", f"localhost:{outside.port}", f"LOCALHOST:{outside.port}"):
            assert await tunnel(own, pipe) == "403"
        assert await tunnel(f"{outside.address}:{outside.port}", pipe) == "outside"


@pytest.mark.parametrize("tunnelled", [False, True])
async def test_envoy_takes_the_listeners_that_let_through(mesh: RunningMesh, tunnelled: bool) -> None:
    """Of transparent sidecars, with and without a network that has a way out."""
    passthrough = Pipe(str(mesh.folder / "out.sock")) if tunnelled else None
    outbound = (LOOPBACK, free_port())
    proxy = Sidecar("shop/page", "shop", {}, outbound, (), transparent=True, passthrough=passthrough)
    mesh.plane.set_passthrough(True)
    mesh.plane.upsert(parse(SERVICE)[0])
    await mesh.start(proxy)
    await mesh.publish()
    mesh.plane.set_proxies([replace(proxy, passthrough=None)])
    await mesh.publish()
    assert mesh.plane.rejections() == {}
