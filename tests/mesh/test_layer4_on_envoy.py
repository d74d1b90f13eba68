"""Real Envoys take connections by address, by Unix socket, and without a proxy setting."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.mesh.mesh_objects import parse, rules
from tests.mesh.running_mesh import LOOPBACK, Caller, RunningMesh, free_port

from laneway.mesh.world import Inbound, Pipe, Sidecar

pytestmark = [pytest.mark.mesh, pytest.mark.anyio]

WEB = "web.shop.svc.cluster.local"


def service(http: int, tcp: int) -> str:
    """A Service of both protocols at these ports, and one for each version."""
    return f"""
kind: Service
metadata: {{name: web}}
spec:
  clusterIP: 10.96.0.20
  selector: {{app: web}}
  ports: [{{name: http, port: {http}, targetPort: 8080}}, {{name: tcp-db, port: {tcp}, targetPort: 8080}}]
---
kind: DestinationRule
metadata: {{name: web}}
spec: {{host: web, subsets: [{{name: a, labels: {{version: a}}}}, {{name: b, labels: {{version: b}}}}]}}
"""


async def bare(port: int, address: str = LOOPBACK) -> str:
    """What comes back on a connection of its own."""
    return (await Caller((address, port)).get("any.name"))[1]


async def test_a_caller_reaches_a_host_at_an_address_of_its_own(mesh: RunningMesh) -> None:
    """Over HTTP by whatever name, by the host's rules as they change; over TCP byte by byte."""
    http, tcp = free_port(), free_port()
    one, two = (
        await mesh.backend("one", app="web", version="a"),
        await mesh.backend("two", app="web", version="b"),
    )
    outbound = (LOOPBACK, free_port())
    proxy = Sidecar("shop/page", "shop", {"app": "page"}, outbound, (), addresses={WEB: "127.77.0.9"})
    for value in parse(service(http, tcp)):
        mesh.plane.upsert(value)
    mesh.plane.set_pods([one.pod(), two.pod()])
    mesh.plane.upsert(rules({"route": [{"destination": {"host": "web", "subset": "a"}}]}, name="web"))
    await mesh.start(proxy)
    await mesh.publish()
    assert {await bare(http, "127.77.0.9") for _ in range(4)} == {"one"}
    assert {await bare(tcp, "127.77.0.9") for _ in range(8)} <= {"one", "two"}
    mesh.plane.upsert(rules({"route": [{"destination": {"host": "web", "subset": "b"}}]}, name="web"))
    await mesh.publish()
    assert {await bare(http, "127.77.0.9") for _ in range(4)} == {"two"}
    mesh.plane.set_proxies([replace(proxy, addresses={})])
    await mesh.publish()
    with pytest.raises(OSError, match=r"refused|failed"):
        await bare(tcp, "127.77.0.9")


async def test_a_pod_is_reached_over_its_unix_socket(mesh: RunningMesh) -> None:
    """Where it has a network of its own: through two sidecars."""
    app = await mesh.backend("app", app="web")
    pipe = Pipe(str(mesh.folder / "in.sock"))
    inbound = Inbound(8080, pipe, (LOOPBACK, app.port))
    await mesh.start(Sidecar("shop/web", "shop", {"app": "web"}, (LOOPBACK, free_port()), (inbound,)))
    page = await mesh.sidecar()
    for value in parse(service(80, 5432)):
        mesh.plane.upsert(value)
    mesh.plane.set_pods([replace(app.pod(), address="10.231.0.7", pipes={8080: pipe})])
    await mesh.publish()
    caller = await mesh.caller(page)
    assert await caller.get("web") == (200, "app")
    assert await caller.get("10.96.0.20") == (200, "app")


async def test_envoy_takes_a_transparent_sidecars_listeners(mesh: RunningMesh) -> None:
    """Those that bind no port as well; all is acknowledged."""
    outbound = (LOOPBACK, free_port())
    running = await mesh.start(Sidecar("shop/page", "shop", {"app": "page"}, outbound, (), transparent=True))
    for value in parse(service(80, 5432)):
        mesh.plane.upsert(value)
    await mesh.publish()
    assert mesh.plane.rejections() == {}
    dump = await running.admin.config_dump()
    listeners = {
        each["name"] for part in dump for each in part.get("dynamic_listeners", ()) if "active_state" in each
    }
    assert listeners == {"virtualOutbound", "0.0.0.0_80", "10.96.0.20_5432"}
    mesh.plane.delete("Service", parse(service(80, 5432))[0].key)
    await mesh.publish()


async def test_what_nobody_knows_is_closed(mesh: RunningMesh) -> None:
    """As with REGISTRY_ONLY; also a connection to the listener itself."""
    outbound = (LOOPBACK, free_port())
    await mesh.start(Sidecar("shop/page", "shop", {"app": "page"}, outbound, (), transparent=True))
    await mesh.publish()
    reader, writer = await asyncio.open_connection(*outbound)
    assert await reader.read() == b""
    writer.close()
