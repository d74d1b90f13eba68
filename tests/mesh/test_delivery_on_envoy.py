"""Requests that reached no application, at real Envoys: also where a rule allows no retries."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx2
import pytest
from tests.mesh.mesh_objects import parse, rules
from tests.mesh.running_mesh import LOOPBACK, RunningMesh, RunningProxy, free_port

from laneway.mesh.delivery import UNDELIVERED
from laneway.mesh.world import Inbound, Pod, Sidecar

pytestmark = [pytest.mark.mesh, pytest.mark.anyio]

SERVICE = """
kind: Service
metadata: {name: pharmacy}
spec: {selector: {app: pharmacy}, ports: [{name: http, port: 80, targetPort: 8080}]}
"""
TO = [{"destination": {"host": "pharmacy"}}]
REQUESTS = 60


async def caller(mesh: RunningMesh) -> RunningProxy:
    """A sidecar with the rules of the pharmacy, which allow no retries; nothing is published yet."""
    for value in (*parse(SERVICE), rules({"retries": {"attempts": 0}, "route": TO})):
        assert mesh.plane.upsert(value) == ()
    return await mesh.sidecar()


async def halved(mesh: RunningMesh, app_port: int | None = None) -> Pod:
    """A ready pod whose sidecar runs; its application listens at this port, or nowhere."""
    port = free_port()
    inbound = Inbound(8080, (LOOPBACK, port), (LOOPBACK, app_port or free_port()))
    labels = {"app": "pharmacy"}
    await mesh.start(Sidecar("shop/halved", "shop", labels, (LOOPBACK, free_port()), (inbound,)))
    return Pod("shop", "halved", labels, LOOPBACK, {8080: port}, {"http": 8080}, ready=True)


async def answers(proxy: RunningProxy, count: int = REQUESTS) -> list[httpx2.Response]:
    """What requests get there, one after the other."""
    assert isinstance(proxy.proxy, Sidecar)
    host, port = proxy.proxy.outbound
    async with httpx2.AsyncClient() as client:
        url, headers = f"http://{host}:{port}/", {"host": "pharmacy"}
        return [await client.get(url, headers=headers) for _ in range(count)]


@pytest.mark.parametrize("what", ["application", "sidecar"])
async def test_what_nobody_read_goes_to_another_pod(mesh: RunningMesh, what: str) -> None:
    """While peers are still told that the pod is ready; the one that serves gets each request once."""
    whole = await mesh.backend("whole", app="pharmacy")
    proxy = await caller(mesh)
    dead = await halved(mesh)
    if what == "sidecar":
        dead = replace(dead, ports={8080: free_port()})
    mesh.plane.set_pods([whole.pod(), dead])
    await mesh.publish()
    found = await answers(proxy)
    assert {(answer.status_code, answer.text) for answer in found} == {(200, "whole")}
    assert UNDELIVERED not in set().union(*(answer.headers for answer in found))
    retries = await proxy.admin.stats(r"^cluster\.outbound.*\.upstream_rq_retry$")
    assert sum(retries.values()) > 0, "no request went to the pod without an application"


async def test_without_another_pod_it_is_an_error_without_the_mark(mesh: RunningMesh) -> None:
    """An application that passes on what it was answered must not have its own request sent again."""
    proxy = await caller(mesh)
    mesh.plane.set_pods([await halved(mesh)])
    await mesh.publish()
    (answer,) = await answers(proxy, 1)
    assert answer.status_code == 503
    assert UNDELIVERED not in answer.headers


async def test_what_an_application_read_is_not_sent_again(mesh: RunningMesh) -> None:
    """Not even where it answers 503, and says of itself what only its sidecar may say."""
    asked: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        head = f"HTTP/1.1 503 no\r\n{UNDELIVERED}: true\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        writer.write(head.encode())
        writer.close()

    async with await asyncio.start_server(refuse, LOOPBACK, 0) as application:
        proxy = await caller(mesh)
        mesh.plane.set_pods([await halved(mesh, application.sockets[0].getsockname()[1])])
        await mesh.publish()
        (answer,) = await answers(proxy, 1)
    assert (answer.status_code, len(asked)) == (503, 1)
