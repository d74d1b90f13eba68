"""The control plane with real Envoys: what is served, what is confirmed, what never fails in between."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from functools import partial
from itertools import pairwise

import pytest
from tests.mesh.mesh_objects import parse, rules
from tests.mesh.running_mesh import (
    DEADLINE_SECONDS,
    LOOPBACK,
    Caller,
    RunningMesh,
    RunningProxy,
    eventually,
    free_port,
)

from laneway.mesh.world import GatewayProxy, Sidecar
from laneway.spec.meta import Key, Object

pytestmark = [pytest.mark.mesh, pytest.mark.anyio]

PHARMACY = Key("shop", "pharmacy")
HOST = "pharmacy.shop.svc.cluster.local"


GATEWAY = """
kind: Gateway
metadata: {name: public}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example]}]
---
kind: VirtualService
metadata: {name: public}
spec: {hosts: [shop.example], gateways: [public], http: [{route: [{destination: {host: pharmacy}}]}]}
"""


def service(name: str) -> Object:
    """A Service that selects the pods with its name as `app`."""
    (found,) = parse(
        f"{{kind: Service, metadata: {{name: {name}}},"
        f" spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80, targetPort: 8080}}]}}}}"
    )
    return found


def to(*names: str) -> Object:
    """A VirtualService that sends the pharmacy's requests to these Services, in equal parts."""
    return rules({"route": [{"destination": {"host": name}, "weight": 100 // len(names)} for name in names]})


async def test_a_request_reaches_the_service_that_it_names(mesh: RunningMesh) -> None:
    """The whole way: objects, xDS, a request."""
    backend = await mesh.backend("blue", app="pharmacy")
    caller = await mesh.caller(await mesh.sidecar())
    mesh.plane.upsert(service("pharmacy"))
    mesh.plane.set_pods([backend.pod()])
    await mesh.publish()
    assert await caller.get("pharmacy") == (200, "blue")
    assert await caller.get(HOST) == (200, "blue")
    assert (await caller.get("nobody"))[0] == 502


async def test_a_change_of_rules_is_served_when_it_is_confirmed(mesh: RunningMesh) -> None:
    """Once `confirmed` says so, no request goes by the old rules."""
    blue, green = await mesh.backend("blue", app="blue"), await mesh.backend("green", app="green")
    caller = await mesh.caller(await mesh.sidecar())
    for name in ("pharmacy", "blue", "green"):
        mesh.plane.upsert(service(name))
    mesh.plane.set_pods([blue.pod(), green.pod()])
    await mesh.publish()
    for name in ("blue", "green", "blue", "green"):
        mesh.plane.upsert(to(name))
        assert not mesh.plane.confirmed("VirtualService", PHARMACY)
        mesh.plane.publish()
        assert not mesh.plane.confirmed("VirtualService", PHARMACY)
        await eventually(lambda: mesh.plane.confirmed("VirtualService", PHARMACY))
        assert {await caller.get("pharmacy") for _ in range(5)} == {(200, name)}


async def test_endpoints_come_and_go(mesh: RunningMesh) -> None:
    """A pod that is no longer ready gets no request once that is confirmed; without any the answer is 503."""
    one, two = await mesh.backend("one", app="pharmacy"), await mesh.backend("two", app="pharmacy")
    caller = await mesh.caller(await mesh.sidecar())
    mesh.plane.upsert(service("pharmacy"))
    for pods, answers in (([one, two], {"one", "two"}), ([two], {"two"}), ([], {"no healthy upstream"})):
        mesh.plane.set_pods([pod.pod() for pod in pods])
        await mesh.publish()
        assert mesh.plane.confirmed("Service", PHARMACY)
        assert {(await caller.get("pharmacy"))[1] for _ in range(20)} == answers


async def test_a_changed_cluster_takes_effect(mesh: RunningMesh) -> None:
    """Another balancing policy lets Envoy warm the cluster anew; that ends though its endpoints are equal."""
    backend = await mesh.backend("blue", app="pharmacy")
    proxy = await mesh.sidecar()
    mesh.plane.upsert(service("pharmacy"))
    mesh.plane.set_pods([backend.pod()])
    await mesh.publish()
    text = "{kind: DestinationRule, metadata: {name: pharmacy}, spec: {host: pharmacy, trafficPolicy: {%s}}}"
    mesh.plane.upsert(*parse(text % "loadBalancer: {simple: ROUND_ROBIN}"))
    await mesh.publish()
    clusters = next(each for each in await proxy.admin.config_dump() if "ClustersConfigDump" in each["@type"])
    active = {each["cluster"]["name"]: each["cluster"] for each in clusters["dynamic_active_clusters"]}
    assert "lb_policy" not in active[f"outbound|80||{HOST}"]  # the default, round robin
    assert "dynamic_warming_clusters" not in clusters


async def hammer(caller: Caller, path: str, stop: asyncio.Event) -> list[tuple[int, str]]:
    """Requests without a pause until told to stop; their answers."""
    answers = []
    while not stop.is_set():
        answers.append(await caller.get("pharmacy", path))
    return answers


async def test_no_request_fails_while_a_service_takes_over_from_one_that_goes(mesh: RunningMesh) -> None:
    """A new Service, the rules that name it, and the old one's end in one publish, under load."""
    names = [f"v{number}" for number in range(8)]
    backends = [await mesh.backend(name, app=name) for name in names]
    proxy = await mesh.sidecar()
    callers = [await mesh.caller(proxy) for _ in range(4)]
    mesh.plane.set_pods([backend.pod() for backend in backends])
    mesh.plane.upsert(service("pharmacy"))
    mesh.plane.upsert(service(names[0]))
    mesh.plane.upsert(to(names[0]))
    await mesh.publish()
    stop = asyncio.Event()
    paths = ("/", "/", "/", "/slow")
    tasks = [asyncio.create_task(hammer(*each, stop)) for each in zip(callers, paths, strict=True)]
    for old, new in pairwise(names):
        mesh.plane.upsert(service(new))
        mesh.plane.upsert(to(new))
        mesh.plane.delete("Service", Key("shop", old))
        await mesh.publish()
        assert (await (await mesh.caller(proxy)).get("pharmacy"))[1] == new
    stop.set()
    answers = [answer for task in tasks for answer in await task]
    assert {status for status, _ in answers} == {200}
    assert {body for _, body in answers} == set(names)


async def test_what_a_proxy_refuses_is_told_in_its_words(mesh: RunningMesh) -> None:
    """A listener on an address that this machine lacks is refused, and nothing is confirmed meanwhile."""
    good = await mesh.sidecar("good")
    bad = await mesh.start(Sidecar("shop/bad", "shop", {}, ("203.0.113.1", 15001), ()))
    mesh.plane.upsert(service("pharmacy"))
    generation = mesh.plane.publish()
    await eventually(lambda: mesh.plane.acked(good.proxy.id) == generation and mesh.plane.rejections())
    assert "203.0.113.1" in mesh.plane.rejections()["shop/bad"]
    assert not mesh.plane.confirmed("Service", PHARMACY)
    assert mesh.plane.laggards(generation) == ("shop/bad",)
    bad.proxy = Sidecar("shop/bad", "shop", {}, (LOOPBACK, free_port()), ())
    mesh.expect()
    await mesh.publish()
    assert mesh.plane.rejections() == {}


def acked(mesh: RunningMesh, proxy_id: str, generation: int) -> bool:
    return mesh.plane.acked(proxy_id) == generation


async def test_a_stopped_proxy_is_a_laggard_and_holds_nobody_back(mesh: RunningMesh) -> None:
    """The others serve a change that it has not acknowledged; when it goes on it catches up."""
    blue, green = await mesh.backend("blue", app="blue"), await mesh.backend("green", app="green")
    slow, fast = await mesh.sidecar("slow"), await mesh.sidecar("fast")
    caller = await mesh.caller(fast)
    for name in ("pharmacy", "blue", "green"):
        mesh.plane.upsert(service(name))
    mesh.plane.set_pods([blue.pod(), green.pod()])
    before = await mesh.publish()
    slow.signal(signal.SIGSTOP)
    for name in ("green", "blue", "green"):
        mesh.plane.upsert(to(name))
        generation = mesh.plane.publish()
        await eventually(partial(acked, mesh, "shop/fast", generation))
        assert await caller.get("pharmacy") == (200, name)
    assert mesh.plane.laggards(generation) == ("shop/slow",)
    assert mesh.plane.confirmed_generation() == before
    assert not mesh.plane.confirmed("VirtualService", PHARMACY)
    assert mesh.plane.confirmed("Service", Key("shop", "green"))
    slow.signal(signal.SIGCONT)
    await eventually(lambda: mesh.plane.confirmed("VirtualService", PHARMACY))


async def test_a_proxy_that_does_not_count_is_no_laggard(mesh: RunningMesh) -> None:
    """One that serves nobody yet is not waited for; one that is expected and absent is."""
    mesh.plane.set_proxies([Sidecar("shop/new", "shop", {}, (LOOPBACK, 1), (), counted=False)])
    generation = mesh.plane.publish()
    assert mesh.plane.confirmed_generation() == generation
    mesh.plane.set_proxies([Sidecar("shop/new", "shop", {}, (LOOPBACK, 1), (), counted=True)])
    assert mesh.plane.laggards(mesh.plane.publish()) == ("shop/new",)


async def test_a_killed_proxy_is_noticed(mesh: RunningMesh) -> None:
    """The end of its stream is told, and it counts as unconfirmed."""
    proxy = await mesh.sidecar()
    told: list[int] = []
    generation = await mesh.publish()
    mesh.plane.subscribe(lambda: told.append(mesh.plane.acked(proxy.proxy.id)))
    await proxy.kill()
    await eventually(lambda: told)
    assert told[-1] == 0
    assert mesh.plane.laggards(generation) == (proxy.proxy.id,)


async def test_after_a_restart_of_the_control_plane_nothing_is_sent_twice(mesh: RunningMesh) -> None:
    """Proxies come back with what they have, which confirms it; the first real difference is all they get."""
    blue, green = await mesh.backend("blue", app="blue"), await mesh.backend("green", app="green")
    proxies = [await mesh.sidecar(name, stats_config={}) for name in ("one", "two")]

    def tell() -> None:
        for name in ("pharmacy", "blue", "green"):
            mesh.plane.upsert(service(name))
        mesh.plane.set_pods([blue.pod(), green.pod()])
        mesh.plane.upsert(to("blue"))
        mesh.expect()

    async def updates() -> list[dict[str, int]]:
        return [await proxy.admin.stats(r"\.update_(success|rejected)$") for proxy in proxies]

    tell()
    await mesh.publish()
    before = await updates()
    await mesh.restart_plane()
    tell()
    generation = mesh.plane.publish()
    assert set(mesh.plane.laggards(generation)) == {"shop/one", "shop/two"}
    await eventually(lambda: mesh.plane.confirmed_generation() == generation)
    assert await updates() == before
    mesh.plane.upsert(to("green"))
    await mesh.publish()
    changed = {
        name: now[name] - then[name]
        for now, then in zip(await updates(), before, strict=True)
        for name in now
        if now[name] != then[name]
    }
    assert {name.partition(".rds.")[2] for name in changed} == {f"mesh/{HOST}.update_success"}
    assert await (await mesh.caller(proxies[0])).get("pharmacy") == (200, "green")


async def asks(proxy: RunningProxy) -> bool:
    """Whether it has a stream to the control plane."""
    try:
        stats = await proxy.admin.stats(r"^cluster\.xds-grpc\.upstream_rq_active$")
    except OSError:
        return False
    return any(stats.values())


async def test_a_proxy_that_comes_before_it_is_expected_is_served_once_it_is(mesh: RunningMesh) -> None:
    """Its questions wait."""
    proxy = await mesh.sidecar()
    mesh.plane.set_proxies([])
    mesh.plane.upsert(service("pharmacy"))
    mesh.plane.publish()
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await asks(proxy):
            pass
    mesh.expect()
    await mesh.publish()
    assert mesh.plane.acked(proxy.proxy.id) == mesh.plane.generation


async def test_a_gateway_whose_listeners_all_went_has_routes_when_they_are_back(mesh: RunningMesh) -> None:
    """Envoy never asks for scopes again, and would wait for them without end."""
    backend = await mesh.backend("blue", app="pharmacy")
    for each in parse(GATEWAY):
        mesh.plane.upsert(each)
    mesh.plane.upsert(service("pharmacy"))
    mesh.plane.set_pods([backend.pod()])
    bound = {80: (LOOPBACK, free_port())}
    running = await mesh.start(gateway(bound))
    for ports in (bound, {}, bound):
        running.proxy = gateway(ports)
        mesh.expect()
        await mesh.publish()
    caller = Caller(bound[80])
    assert await caller.get("shop.example") == (200, "blue")
    await caller.close()


def gateway(ports: Mapping[int, tuple[str, int]]) -> GatewayProxy:
    return GatewayProxy("istio-system/ingress", "istio-system", {"istio": "ingressgateway"}, ports)
