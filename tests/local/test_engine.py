"""The engine: what people write becomes pods and rules, and what becomes of it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.local.cluster import ready_pods
from tests.local.eventually import eventually
from tests.local.running_engine import MESH_API, Running, app, key, lane, plain, rules, running

from laneway.local.engine import AGAIN_SECONDS
from laneway.local.state import State

OUTSIDE = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "ServiceEntry",
    "metadata": {"name": "labs", "namespace": "shop"},
    "spec": {
        "hosts": ["labs.example"],
        "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}],
        "resolution": "DNS",
    },
}


@pytest.fixture
async def world(state: State) -> AsyncIterator[Running]:
    """An engine on an empty state."""
    async with running(state) as started:
        yield started


async def settle(world: Running) -> None:
    """Make passes until all pods that are wanted are ready and a pass changes nothing."""
    before = -1
    while before != (before := world.store.resource_version()):
        await world.decide()
        await eventually(lambda: len(ready_pods(world.replicas)) == len(world.replicas.pods()))


async def test_a_plain_deployment_runs_as_it_is(world: Running) -> None:
    """One pod where it asks for no number, and what it asks for otherwise."""
    world.put(plain("labs"), plain("web", replicas=2))
    await settle(world)
    assert sorted(pod.deployment for pod in world.replicas.pods()) == ["labs", "web", "web"]
    status = await world.engine.status()
    assert [(each["name"], each["ready"], each["replicas"]["wanted"]) for each in status["workloads"]] == [
        ("labs", True, 1),
        ("web", True, 2),
    ]


async def test_a_deployment_that_an_app_releases_is_a_template(world: Running) -> None:
    """Its revision runs under a name of its own; the Deployment itself does not."""
    world.put(plain("web"), app("web"))
    await settle(world)
    (ran,) = world.deployments()
    assert ran.startswith("web-")
    status = await world.engine.status()
    assert status["workloads"] == []
    assert [version["replicas"]["ready"] for version in status["apps"][0]["versions"]] == [1]


async def test_a_deployment_with_the_name_of_an_app_that_releases_another_runs(world: Running) -> None:
    """Only the named template is one."""
    world.put(plain("web"), plain("other"), app("web", deployment="other"))
    await settle(world)
    assert "web" in world.deployments()
    assert "other" not in world.deployments()


async def test_a_changed_plain_deployment_rolls_to_its_end(world: Running) -> None:
    """Each pod that becomes ready, or is gone, is the reason for the next step."""
    world.put(plain("web", replicas=2))
    await settle(world)
    before = {pod.key for pod in world.replicas.pods()}
    world.put(plain("web", image="registry/web:2", replicas=2))
    await eventually(
        lambda: len(pods := ready_pods(world.replicas)) == 2 and not {p.key for p in pods} & before
    )
    await eventually(lambda: len(world.replicas.pods()) == 2)


async def test_a_deleted_deployment_ends(world: Running) -> None:
    """Its pods drain."""
    world.put(plain("web"))
    await settle(world)
    world.store.delete("Deployment", key("web"), reason="a test", by="ann")
    await eventually(lambda: not world.replicas.pods())


async def test_a_stored_virtual_service_reaches_the_mesh(world: Running) -> None:
    """As soon as it is stored, and no longer than it is."""
    registry = world.engine.proxies.registry
    before = world.engine.plane.generation
    world.put(OUTSIDE, rules("labs.example", timeout="3s"))
    await eventually(lambda: world.engine.plane.generation > before)
    found = registry.rules_of("labs.example")
    assert found is not None and found.key == key("labs.example")
    world.store.delete("VirtualService", key("labs.example"), reason="a test", by="ann")
    assert registry.rules_of("labs.example") is None


async def test_what_was_stored_before_is_told_at_the_start(state: State) -> None:
    """A daemon that is started again knows the rules at once."""
    async with running(state) as first:
        first.put(OUTSIDE, rules("labs.example"))
    async with running(state) as second:
        assert second.engine.proxies.registry.rules_of("labs.example") is not None


async def test_what_the_mesh_refuses_is_a_finding(world: Running) -> None:
    """It names the object and why; nothing else waits for it."""
    world.put(OUTSIDE, rules("labs.example", retries={"attempts": 1, "retryOn": "999"}))
    await world.decide()
    (refused,) = [f for f in (await world.engine.status())["findings"] if f["code"] == "Refused"]
    assert (refused["severity"], refused["namespace"], refused["name"]) == ("error", "shop", "labs.example")
    assert refused["text"].startswith("VirtualService shop/labs.example: spec.http[0].retries.retryOn: ")


async def test_a_gateway_without_its_certificate_is_a_finding(world: Running) -> None:
    """It says what is missing; it is none when the Secret has come."""
    server = {"port": {"number": 443, "name": "https", "protocol": "HTTPS"}, "hosts": ["*"]}
    tls = {"mode": "SIMPLE", "credentialName": "web"}
    spec = {"selector": {"istio": "ingressgateway"}, "servers": [server | {"tls": tls}]}
    meta = {"name": "public", "namespace": "shop"}
    world.put({"apiVersion": MESH_API, "kind": "Gateway", "metadata": meta, "spec": spec})
    await world.decide()
    (told,) = [f for f in (await world.engine.status())["findings"] if f["code"] == "NoCertificate"]
    assert (told["severity"], told["namespace"], told["name"]) == ("error", "shop", "public")
    missing = "there is no Secret istio-system/web"
    assert told["text"] == f"Gateway shop/public: port 443 takes no connection: {missing}"
    meta = {"name": "web", "namespace": "istio-system"}
    data = {"tls.crt": "YQ==", "tls.key": "YQ=="}
    world.put({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data})
    await world.decide()
    status = await world.engine.status()
    assert "NoCertificate" not in {each["code"] for each in status["findings"]}
    assert status["urls"] == ["https://127.0.0.1:8080"]


async def test_a_pod_that_cannot_start_is_a_finding(world: Running) -> None:
    """It says why."""
    broken = plain("web")
    broken["spec"]["template"]["spec"]["containers"][0]["command"] = ["no-such-program"]
    world.put(broken)
    await eventually(lambda: any(pod.reason == "CannotStart" for pod in world.replicas.pods()))
    await world.decide()
    texts = [finding["text"] for finding in (await world.engine.status())["findings"]]
    assert any("cannot start" in text for text in texts)


async def test_the_status_version_grows_only_with_changes(world: Running) -> None:
    """Who waits for a change is woken by nothing else."""
    world.put(plain("web"))
    await settle(world)
    await world.decide()
    version = (await world.engine.status())["version"]
    for _ in range(3):
        await world.decide()
    assert (await world.engine.status())["version"] == version
    waiting = asyncio.ensure_future(world.engine.status_after(version))
    await asyncio.sleep(0)
    assert not waiting.done()
    world.put(plain("web", replicas=2))
    await world.decide()
    assert await waiting > version


async def test_what_was_applied_is_observed_by_the_pass_that_saw_it(world: Running) -> None:
    """Who applied it and waits is not told of an older world."""
    await world.decide()
    changes = await world.service.apply([plain("web")], by="ann", reason="")
    assert (await world.engine.status())["observed"] < changes["version"]
    await world.decide()
    status = await world.engine.status()
    assert status["observed"] >= changes["version"]
    assert not status["ready"]


async def test_the_first_status_is_waited_for(world: Running) -> None:
    """There is none before the first pass."""
    asked = asyncio.ensure_future(world.engine.status())
    await asyncio.sleep(0)
    assert not asked.done()
    await world.decide()
    assert (await asked)["version"] == 1


async def test_gateways_are_proxies_that_must_confirm(world: Running) -> None:
    """Before they are connected nothing is confirmed, and they are named."""
    await world.decide()
    status = await world.engine.status()
    assert status["proxies"] == {
        "total": 2,
        "confirmed": 0,
        "laggards": ["istio-system/istio-egressgateway", "istio-system/istio-ingressgateway"],
    }
    assert not status["confirmed"]


async def test_a_change_wakes_the_loop_and_a_look_at_the_facts_does_not(world: Running) -> None:
    """One pass for all that happened since the last one."""
    await world.decide()
    waiting = asyncio.ensure_future(world.engine.changed(None))
    await asyncio.sleep(0)
    assert not waiting.done()
    world.put(plain("web"))
    await waiting
    world.loop.once()
    assert (await world.engine.status())["workloads"]


async def test_the_clock_wakes_the_loop(world: Running) -> None:
    """At the moment that the plan names, also where that is over."""
    await world.decide()
    await world.engine.changed(world.engine.now())


async def test_a_full_disk_is_reported_and_decisions_are_tried_again(world: Running) -> None:
    """The daemon goes on; the plan is carried out when there is room."""
    world.put(plain("web"), app("web"))
    await world.told()
    world.store.full = True
    world.loop.once()
    (unwritten,) = [f for f in (await world.engine.status())["findings"] if f["code"] == "NotWritten"]
    assert (
        unwritten["text"] == "decisions could not be written, and are tried again: database or disk is full"
    )
    assert world.store.list("ControllerRevision") == []
    world.store.full = False
    await asyncio.wait_for(world.engine.changed(None), AGAIN_SECONDS + 5)
    await settle(world)
    assert len(world.store.list("ControllerRevision")) == 1
    assert not any(f["code"] == "NotWritten" for f in (await world.engine.status())["findings"])


async def test_a_full_disk_keeps_no_deployment_from_its_pods_for_good(world: Running) -> None:
    """A pod that could not be recorded is created when there is room."""
    world.put(plain("web"))
    world.store.full = True
    await world.decide()
    assert any(f["code"] == "NotWritten" for f in (await world.engine.status())["findings"])
    assert not world.replicas.pods()
    world.store.full = False
    await eventually(lambda: len(ready_pods(world.replicas)) == 1)


async def test_a_lane_runs_beside_the_app(world: Running) -> None:
    """In pods of its own; the app's stay as they are."""
    world.put(plain("web"), app("web"))
    await settle(world)
    stable = world.deployments()
    world.put(lane("green", "web"))
    await settle(world)
    assert world.deployments() - stable == {"web-green"}


async def test_limits_that_nothing_enforces_are_told(world: Running) -> None:
    """So that nobody relies on them."""
    limited = plain("labs")
    limited["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"memory": "64Mi"}}
    world.put(limited)
    await settle(world)
    (told,) = [f for f in (await world.engine.status())["findings"] if f["code"] == "LimitsNotEnforced"]
    assert (told["name"], "memory 64Mi" in told["text"]) == ("labs", True)
