"""Unmodified applications: each replica in a network of its own, as in a pod."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import socketserver
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.acceptance.running import Laneway

from laneway.local.netns import client
from laneway.local.process import procfs
from laneway.local.state import State

pytestmark = pytest.mark.mesh

OUTSIDE_PORT = 18_099
COMMAND = [sys.executable, "-I", "-S", str(Path(__file__).with_name("unmodified.py"))]


def workload(name: str, replicas: int) -> list[dict[str, Any]]:
    """A Deployment and its Service, with HTTP and TCP; two names of one application."""
    meta, labels = {"name": name, "namespace": "plain"}, {"app": name}
    ports = [{"name": "http", "containerPort": 8080}, {"name": "tcp-lines", "containerPort": 9000}]
    probe = {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1}
    container = {
        "name": "main",
        "image": "any:1",
        "command": COMMAND,
        "ports": ports,
        "readinessProbe": probe,
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    outside = [{"name": "http", "port": 80, "targetPort": 8080}, {"name": "tcp-lines", "port": 9000}]
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": meta,
            "spec": {"selector": labels, "ports": outside},
        },
    ]


def public() -> list[dict[str, Any]]:
    """The way in to `front`."""
    version = "networking.istio.io/v1"
    server = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    gateway = {"selector": {"istio": "ingressgateway"}, "servers": [server]}
    rule = {"route": [{"destination": {"host": "front", "port": {"number": 80}}}]}
    meta = {"name": "public", "namespace": "plain"}
    rules = {"hosts": ["plain.example"], "gateways": ["public"], "http": [rule]}
    return [
        {"apiVersion": version, "kind": "Gateway", "metadata": meta, "spec": gateway},
        {"apiVersion": version, "kind": "VirtualService", "metadata": meta, "spec": rules},
    ]


def outside() -> dict[str, Any]:
    """A server of this machine, outside of the mesh, by HTTP and by TCP."""
    spec = {
        "hosts": ["outside.example"],
        "ports": [
            {"number": 80, "name": "http", "protocol": "HTTP", "targetPort": OUTSIDE_PORT},
            {"number": 81, "name": "tcp", "protocol": "TCP", "targetPort": OUTSIDE_PORT},
        ],
        "resolution": "STATIC",
        "endpoints": [{"address": machine()}],
    }
    meta = {"name": "outside", "namespace": "plain"}
    version = "networking.istio.io/v1"
    return {"apiVersion": version, "kind": "ServiceEntry", "metadata": meta, "spec": spec}


def machine() -> str:
    """An address of this machine that is not a loopback's."""
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing
        address: str = probe.getsockname()[0]
        return address


@pytest.fixture(scope="module")
def plain(laneway: Laneway, folder: Path) -> Laneway:
    """`front` alone and three replicas of `back`."""
    assert client.tried() is None, "this machine lets this user make networks"
    objects = [*workload("front", 1), *workload("back", 3), *public(), outside()]
    (folder / "plain.yaml").write_text(yaml.safe_dump_all(objects))
    up = laneway.json("up", "-f", str(folder), "--isolation", "namespaces", "--detach")
    assert up["isolation"] == {"mode": "namespaces", "why": "asked for"}
    laneway.ingress = up["ingress"]
    return laneway


def found(plain: Laneway, path: str) -> Any:
    """What `front` found."""
    answer = plain.ask("plain.example", path)
    assert "found" in answer, answer
    return answer["found"]


def pods(laneway: Laneway, name: str) -> list[dict[str, Any]]:
    items = laneway.json("get", "pods", "-n", "plain")["items"]
    return [pod for pod in items if pod["metadata"]["name"].startswith(name)]


def test_replicas_listen_at_one_port_and_are_found_by_name(plain: Laneway) -> None:
    """By HTTP and TCP, without a setting; each connection may go to another replica."""
    names = {pod["metadata"]["name"] for pod in pods(plain, "back")}
    assert len(names) == 3
    by_http = {json.loads(found(plain, "/get?back:80/")[1])["host"] for _ in range(60)}
    by_tcp = {found(plain, "/line?back:9000") for _ in range(60)}
    assert by_http == by_tcp == names
    assert found(plain, "/env?HTTP_PROXY") is None


@pytest.mark.parametrize("name", ["back", "back.plain", "back.plain.svc", "back.plain.svc.cluster.local"])
def test_a_service_has_its_names_and_one_address(plain: Laneway, name: str) -> None:
    """The address that `get` shows, and that its variables have."""
    service = plain.json("get", "service", "back", "-n", "plain")
    address = service["spec"]["clusterIP"]
    assert found(plain, f"/addresses?{name}") == [address] == [found(plain, "/env?BACK_SERVICE_HOST")]
    assert found(plain, f"/line?{name}:9000").startswith("back-")


def test_an_unknown_name_of_the_mesh_does_not_exist(plain: Laneway) -> None:
    assert "error" in plain.ask("plain.example", "/addresses?nobody.plain.svc.cluster.local")


def test_nobody_reaches_an_application_past_its_sidecar(plain: Laneway) -> None:
    """Neither another pod, at the pod's address, nor this machine, nor a pod this machine's own servers."""
    address = pods(plain, "back")[0]["status"]["podIP"]
    inside = plain.ask("plain.example", f"/line?{address}:9000")
    assert not str(inside.get("found", "")).startswith("back-"), inside
    assert not reached(address, 9000)
    port = int(plain.ingress.rpartition(":")[2])
    assert "error" in plain.ask("plain.example", f"/line?127.0.0.1:{port}")


def reached(address: str, port: int) -> bool:
    """Whether an application answers a connection from this machine's network."""

    async def line() -> bytes:
        async with asyncio.timeout(1):
            reader, writer = await asyncio.open_connection(address, port)
            try:
                return await reader.readline()
            finally:
                writer.close()

    try:
        return asyncio.run(line()).startswith(b"back-")
    except OSError:
        return False


def test_what_the_mesh_knows_outside_is_reached_and_nothing_else(plain: Laneway) -> None:
    """Through the egress gateway, since the pod's network has no way out: by any protocol."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\noutside\n"

    class Outside(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(4096)
            self.request.sendall(answer)

    with socketserver.ThreadingTCPServer((machine(), OUTSIDE_PORT), Outside) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for place in ("outside.example", "outside.example:81"):
            assert found(plain, f"/get?{place}/") == [200, "outside\n"]
        assert "error" in plain.ask("plain.example", f"/get?{machine()}:{OUTSIDE_PORT}/")
        server.shutdown()


def test_an_application_sees_its_pod_and_not_the_meshs_sockets(plain: Laneway) -> None:
    """It may not do more than with files and users."""
    (pod,) = pods(plain, "front")
    name, address = pod["metadata"]["name"], pod["status"]["podIP"]
    assert plain.ask("plain.example", "/")["host"] == name
    assert f"{address}\t{name}" in found(plain, "/file?/etc/hosts")
    assert "search plain.svc.cluster.local" in found(plain, "/file?/etc/resolv.conf")
    run = State.at(plain.state).run
    assert (run / "xds.sock").exists()
    assert not any(entry.endswith(".sock") for entry in found(plain, f"/may?{run}"))
    assert int(found(plain, "/power"), 16) & (1 << 12 | 1 << 19 | 1 << 21) == 0  # networks, others, mounts


def test_a_killed_application_is_started_again_in_its_network(plain: Laneway) -> None:
    """And its exit status is known, although it is no child of the daemon."""
    (pod,) = pods(plain, "front")
    os.kill(pod["status"]["processes"]["app"]["pid"], signal.SIGKILL)
    plain.until("it was started again", lambda: pods(plain, "front")[0]["status"]["restartCount"] == 1)
    plain.until("it answers", lambda: plain.ask("plain.example", "/").get("host") == pod["metadata"]["name"])
    events = plain.json("history", "-n", "plain")["events"]
    assert any("was killed by SIGKILL" in event["reason"] for event in events)


def test_a_killed_laneway_leaves_everything_running(plain: Laneway) -> None:
    """Names too; the next one finds the same processes."""
    before = {pod["metadata"]["name"]: pod["status"]["processes"] for pod in pods(plain, "")}
    plain.kill_daemon()
    assert found(plain, "/get?back:80/")[0] == 200
    plain.json("up", "--detach")
    assert {pod["metadata"]["name"]: pod["status"]["processes"] for pod in pods(plain, "")} == before
    assert found(plain, "/line?back:9000").startswith("back-")


def test_a_killed_helper_is_replaced(plain: Laneway) -> None:
    """Another one enters the networks that there are, also together with a new daemon."""
    before = {pod["metadata"]["name"]: pod["status"]["processes"] for pod in pods(plain, "")}
    for kill_daemon in (False, True):
        if kill_daemon:
            plain.kill_daemon()
        for pid in helpers(plain):
            os.kill(pid, signal.SIGKILL)
        if kill_daemon:
            plain.json("up", "--detach")
        plain.until("names are resolved", lambda: "found" in plain.ask("plain.example", "/addresses?back"))
        assert found(plain, "/get?back:80/")[0] == 200
    assert {pod["metadata"]["name"]: pod["status"]["processes"] for pod in pods(plain, "")} == before


def helpers(laneway: Laneway) -> list[int]:
    """Its helper and resolver."""
    mark = b"LANEWAY_PART=helper"
    return [
        pid for pid in laneway.processes() if mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    ]


def test_running_pods_do_not_change_their_isolation(plain: Laneway) -> None:
    plain.kill_daemon()
    refused = plain.run("up", "--isolation", "loopback", "--detach")
    assert refused.code == 1
    assert "LW507" in refused.err and "laneway down --keep" in refused.err
    plain.json("up", "--detach")


def test_down_leaves_nothing(plain: Laneway) -> None:
    """No process, so no network; no file."""
    running = [pod["status"]["processes"]["app"]["pid"] for pod in pods(plain, "")]
    assert all(alive(pid) for pid in running)
    assert plain.run("down").code == 0
    assert plain.processes() == []
    assert not any(alive(pid) for pid in running)
    assert not plain.state.exists()


def alive(pid: int) -> bool:
    found = procfs.stat(pid)
    return found is not None and not found.zombie
