"""What the mesh is told of pods and proxies, and how their Envoys are run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.local.eventually import eventually
from tests.local.samples import changed, pod
from tests.mesh.running_mesh import free_port

from laneway.local.container.containers import Command
from laneway.local.network.addresses import Addresses
from laneway.local.pod.pods import Pod, Stage
from laneway.local.process.markers import Identity, Part
from laneway.local.proxy.gateways import EGRESS, Places
from laneway.local.proxy.proxies import Proxies
from laneway.local.state import State
from laneway.mesh.control_plane import ControlPlane
from laneway.mesh.registry import Registry
from laneway.mesh.resources import CDS
from laneway.mesh.translator import Translator
from laneway.spec.load import parse
from laneway.spec.meta import Key, Object

EGRESS_HOST = f"{EGRESS.name}.{EGRESS.namespace}.svc.cluster.local"
SIDECAR_RUNS = {Part.SIDECAR: Identity(1, 1)}
GATEWAYS = 2


class Mesh:
    """The proxies of a state, and the control plane that serves them."""

    def __init__(self, state: State, places: Places) -> None:
        self.translator = translator = Translator(access_log=None)
        self.registry: Registry = translator.registry
        self.plane = ControlPlane(translator)
        self.proxies = Proxies(state, self.plane, translator.registry, places)

    def counted(self, *pods: Pod) -> int:
        """How many sidecars of these pods have to confirm."""
        self.proxies.publish(pods)
        return self.proxies.counted - GATEWAYS


@pytest.fixture
def mesh(state: State) -> Mesh:
    """Proxies that are not started."""
    return Mesh(state, Places(8080, "127.64.0.1", "127.64.0.2"))


def gateway(name: str, selector: str, port: int = 80, protocol: str = "HTTP") -> Object:
    """A Gateway with one server."""
    server = {"port": {"number": port, "name": "http", "protocol": protocol}, "hosts": ["*"]}
    return parse(
        {
            "apiVersion": "networking.istio.io/v1",
            "kind": "Gateway",
            "metadata": {"name": name, "namespace": "shop"},
            "spec": {"selector": {"istio": selector}, "servers": [server]},
        }
    )


def serving(suffix: str = "a") -> Pod:
    """A pod whose sidecar runs, and which was ready."""
    return changed(pod(suffix), stage=Stage.READY, ever_ready=True, processes=SIDECAR_RUNS)


def test_a_sidecar_counts_while_it_may_have_requests_to_route(mesh: Mesh) -> None:
    """Not before its pod was ready, nor without a process; also while the pod drains or is not ready."""
    ready = serving()
    assert mesh.counted(ready) == 1
    assert mesh.counted(changed(ready, ever_ready=False, stage=Stage.STARTING)) == 0
    assert mesh.counted(changed(ready, processes={}, stage=Stage.NOT_READY)) == 0
    assert mesh.counted(changed(ready, stage=Stage.NOT_READY)) == 1
    assert mesh.counted(changed(ready, stage=Stage.DRAINING)) == 1
    assert mesh.counted(changed(ready, annotations={"sidecar.istio.io/inject": "false"})) == 0


def test_counted_sidecars_that_are_not_connected_are_laggards(mesh: Mesh) -> None:
    """As after a restart of the daemon: they serve by older rules until they are heard of."""
    generation = mesh.proxies.publish([serving()])
    assert "shop/web-a" in mesh.plane.laggards(generation)


def test_gateways_always_count(mesh: Mesh) -> None:
    """Without them nobody from outside is served."""
    assert mesh.counted() == 0
    assert mesh.plane.confirmed_generation() == 0


def test_the_egress_gateway_has_a_service_while_a_gateway_selects_it(mesh: Mesh) -> None:
    """Rules name it."""
    mesh.proxies.publish([])
    assert mesh.registry.host(EGRESS_HOST) is None
    mesh.proxies.upsert(gateway("out", "egressgateway"))
    mesh.proxies.publish([])
    assert mesh.registry.host(EGRESS_HOST) is not None
    assert [each.name for each in mesh.registry.pods_of(EGRESS_HOST)] == [EGRESS.name]
    mesh.proxies.delete("Gateway", Key("shop", "out"))
    mesh.proxies.publish([])
    assert mesh.registry.host(EGRESS_HOST) is None


def test_a_mesh_says_whether_the_unknown_may_pass(mesh: Mesh) -> None:
    """As long as it is there; each time it is told to the sidecars."""
    ready = serving()
    allowing = parse(
        {
            "apiVersion": "laneway.dev/v1alpha1",
            "kind": "Mesh",
            "metadata": {"name": "mesh"},
            "spec": {"outboundTrafficPolicy": {"mode": "ALLOW_ANY"}},
        }
    )
    clusters = []
    for step in ("before", "with", "without"):
        if step == "with":
            mesh.proxies.upsert(allowing)
        if step == "without":
            mesh.proxies.delete(allowing.kind, allowing.key)
        mesh.proxies.publish([ready])
        clusters.append("PassthroughCluster" in mesh.translator.resources_for(str(ready.key))[CDS])
    assert clusters == [False, True, False]


def test_a_refusal_stays_until_the_object_is_right_or_gone(mesh: Mesh) -> None:
    """By the object that it is about."""
    right = gateway("public", "ingressgateway")
    wrong = right.model_copy(update={"spec": right.spec.model_copy(update={"selector": {}})})  # type: ignore[attr-defined]
    mesh.proxies.upsert(wrong)
    ((key, refusal),) = mesh.proxies.refusals()
    assert (key, refusal.field) == (Key("shop", "public"), "spec.selector")
    mesh.proxies.upsert(right)
    assert list(mesh.proxies.refusals()) == []
    mesh.proxies.upsert(wrong)
    mesh.proxies.delete("Gateway", key)
    assert list(mesh.proxies.refusals()) == []


def files(state: State) -> set[str]:
    """Bootstrap files and admin sockets."""
    return {file.name for file in state.run.iterdir() if file.name.startswith("proxy-")}


def test_the_files_of_a_pod_go_with_it(mesh: Mesh, state: State) -> None:
    """Those of the others and of the gateways stay."""
    first, second = serving("a"), serving("b")
    mesh.proxies.publish([first, second])
    mesh.proxies.gateway_command(mesh.proxies.ingress)()
    for each in (first, second):
        mesh.proxies.command(each)
        mesh.proxies.admin(str(each.key)).touch()
    assert len(files(state)) == 5
    mesh.proxies.publish([second])
    assert len(files(state)) == 3
    assert mesh.proxies.admin(str(second.key)).exists()
    assert not mesh.proxies.admin(str(first.key)).exists()


def test_files_of_pods_that_went_unseen_go_at_the_start(mesh: Mesh, state: State) -> None:
    """A daemon that was killed could not remove them; other sockets are not its proxies'."""
    mesh.proxies.command(serving("a"))
    mesh.proxies.command(serving("b"))
    (state.run / "api.sock").touch()
    mesh.proxies.publish([serving("b")])
    assert len(files(state)) == 1
    assert (state.run / "api.sock").exists()


def test_a_bootstrap_names_the_proxy_and_its_sockets(mesh: Mesh, state: State) -> None:
    """Both short enough for a Unix socket."""
    argv = mesh.proxies.command(serving("a")).argv
    file = Path(argv[argv.index("--config-path") + 1])
    written = json.loads(file.read_text())
    assert written["node"]["metadata"]["PROXY_ID"] == "shop/web-a"
    assert str(mesh.proxies.xds) in file.read_text()
    assert len(str(mesh.proxies.admin("shop/web-a"))) < 100


async def test_a_pod_that_was_never_ready_is_drained_at_once(mesh: Mesh) -> None:
    """No peer knows it."""
    await mesh.proxies.drained(changed(serving(), ever_ready=False, stage=Stage.DRAINING))


def service(port_name: str = "http") -> Object:
    """The Service of web."""
    spec = {
        "selector": {"laneway.dev/app": "web"},
        "ports": [{"name": port_name, "port": 80, "targetPort": 8080}],
    }
    metadata = {"name": "web", "namespace": "shop"}
    return parse({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})


class SlowApplication:
    """Answers each request when it is told to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.answer = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        await reader.readuntil(b"\r\n\r\n")
        self.asked.set()
        await self.answer.wait()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        writer.close()


@asynccontextmanager
async def envoys(commands: Iterable[Command]) -> AsyncIterator[None]:
    """These Envoys, killed at the end."""
    quiet = asyncio.subprocess.DEVNULL
    running = [await asyncio.create_subprocess_exec(*c.argv, stdout=quiet, stderr=quiet) for c in commands]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            await process.wait()


async def request(pod: Pod) -> bytes:
    """The whole answer to a request at the pod's sidecar."""
    reader, writer = await asyncio.open_connection(pod.pod_ip, pod.ports[8080])
    writer.write(b"GET / HTTP/1.1\r\nhost: web\r\nconnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.mesh
@pytest.mark.parametrize("port_name", ["http", "tcp-lines"])
async def test_a_pod_is_drained_when_its_removal_is_confirmed_and_nothing_is_open(
    state: State, port_name: str
) -> None:
    """Neither a request nor a connection of TCP; then its sidecar is waited for no longer."""
    addresses = Addresses.claim(state.id)
    pair, application = addresses.allocate(), SlowApplication()
    mesh = Mesh(state, Places(free_port(), addresses.gateway(1), addresses.gateway(2)))
    proxies = mesh.proxies
    ready = changed(serving(), pod_ip=pair.pod, app_address=pair.app)
    leaving = replace(ready, stage=Stage.DRAINING, draining_since=datetime.now(UTC))
    await mesh.plane.start(proxies.xds)
    proxies.upsert(service(port_name))
    generation = proxies.publish([ready])
    server = await asyncio.start_server(application.serve, pair.app, 8080)
    gateway_commands = [proxies.gateway_command(each)() for each in (proxies.ingress, proxies.egress)]
    try:
        async with envoys([proxies.command(ready)]):
            await eventually(lambda: proxies.ready(ready))
            answered = asyncio.ensure_future(request(ready))
            await application.asked.wait()
            drained = asyncio.ensure_future(proxies.drained(leaving))
            await asyncio.sleep(0)
            assert mesh.plane.generation > generation
            async with envoys(gateway_commands):
                await eventually(lambda: not mesh.plane.laggards(mesh.plane.generation))
                await asyncio.wait([drained], timeout=0.3)
                assert not drained.done(), "something is open"
                application.answer.set()
                assert (await answered).endswith(b"ok")
                await asyncio.wait_for(drained, 10)
                assert mesh.counted(leaving) == 0
                assert mesh.counted() == 0
    finally:
        server.close()
        await mesh.plane.stop()
        addresses.close()


def test_a_gateway_that_is_refused_keeps_the_ports_of_the_one_in_force(mesh: Mesh) -> None:
    """Its routes are served still, so they stay reachable."""
    mesh.proxies.upsert(gateway("out", "egressgateway"))
    mesh.proxies.upsert(gateway("out", "egressgateway", 443, "HTTPS"))
    assert [(key.name, refusal.field) for key, refusal in mesh.proxies.refusals()] == [
        ("out", "spec.servers[0].tls")
    ]
    assert list(mesh.proxies.egress().ports) == [80]
