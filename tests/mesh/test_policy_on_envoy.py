"""What a DestinationRule says, as callers of real Envoys meet it."""

from __future__ import annotations

import asyncio

import httpx2
import pytest
from tests.mesh.mesh_objects import parse
from tests.mesh.running_mesh import RunningMesh, RunningProxy, eventually

from laneway.mesh.world import Sidecar

pytestmark = [pytest.mark.mesh, pytest.mark.anyio]

HOST = "pharmacy.shop.svc.cluster.local"
SERVICE = """
kind: Service
metadata: {name: pharmacy}
spec: {selector: {app: pharmacy}, ports: [{name: http, port: 80, targetPort: 8080}]}
"""
RULE = "kind: DestinationRule\nmetadata: {name: pharmacy}\nspec: {host: %s, trafficPolicy: %s}"


async def pharmacy(mesh: RunningMesh, policy: str, pods: int = 1, host: str = "pharmacy") -> RunningProxy:
    """A caller's sidecar; a pharmacy of so many pods, with this policy; all confirmed."""
    backends = [await mesh.backend(f"pod-{number}", app="pharmacy") for number in range(pods)]
    proxy = await mesh.sidecar()
    mesh.plane.set_pods([backend.pod() for backend in backends])
    await said(mesh, policy, host)
    return proxy


async def said(mesh: RunningMesh, policy: str, host: str = "pharmacy") -> None:
    """The policy is confirmed."""
    for text in (SERVICE, RULE % (host, policy)):
        for value in parse(text):
            assert mesh.plane.upsert(value) == ()
    await mesh.publish()
    assert mesh.plane.rejections() == {}


def client(proxy: RunningProxy) -> httpx2.AsyncClient:
    """A client that calls the pharmacy through a sidecar."""
    assert isinstance(proxy.proxy, Sidecar)
    host, port = proxy.proxy.outbound
    headers = {"host": "pharmacy"}
    return httpx2.AsyncClient(base_url=f"http://{host}:{port}", headers=headers, trust_env=False)


USERS = [f"user-{number}" for number in range(12)]


@pytest.mark.parametrize("algorithm", ["", "ringHash: {minimumRingSize: 64}", "maglev: {tableSize: 251}"])
async def test_a_header_keeps_callers_at_their_pod(mesh: RunningMesh, algorithm: str) -> None:
    """Each always at the same, all of them at several."""
    hashed = ", ".join(filter(None, ("httpHeaderName: x-user", algorithm)))
    proxy = await pharmacy(mesh, f"{{loadBalancer: {{consistentHash: {{{hashed}}}}}}}", pods=4)
    async with client(proxy) as caller:
        pods = {
            user: {(await caller.get("/", headers={"x-user": user})).text for _ in range(6)} for user in USERS
        }
    assert {len(found) for found in pods.values()} == {1}
    assert len(set.union(*pods.values())) > 1


async def test_a_cookie_is_generated_and_keeps_its_caller(mesh: RunningMesh) -> None:
    """With its path, time to live and attributes."""
    cookie = "{name: stay, path: /, ttl: 60s, attributes: [{name: SameSite, value: Strict}]}"
    policy = f"{{loadBalancer: {{consistentHash: {{httpCookie: {cookie}}}}}}}"
    proxy = await pharmacy(mesh, policy, pods=4)
    pods = set()
    for _ in range(12):
        async with client(proxy) as caller:
            first = await caller.get("/")
            given = first.headers["set-cookie"]
            assert "Max-Age=60" in given and "Path=/" in given and "SameSite=Strict" in given
            stay = {"cookie": given.partition(";")[0]}
            assert {(await caller.get("/", headers=stay)).text for _ in range(6)} == {first.text}
            pods.add(first.text)
    assert len(pods) > 1


async def test_a_query_parameter_or_the_source_keeps_callers(mesh: RunningMesh) -> None:
    """A change of what is hashed reaches the routes."""
    hashed = "{loadBalancer: {consistentHash: {%s}}}"
    proxy = await pharmacy(mesh, hashed % "httpQueryParameterName: user", pods=4)
    async with client(proxy) as caller:
        pods = {
            user: {(await caller.get("/", params={"user": user})).text for _ in range(6)} for user in USERS
        }
        assert {len(found) for found in pods.values()} == {1}
        assert len(set.union(*pods.values())) > 1
        await said(mesh, hashed % "useSourceIp: true")
        assert len({(await caller.get("/", params={"user": user})).text for user in USERS}) == 1


async def test_what_is_too_much_is_answered_at_once(mesh: RunningMesh) -> None:
    """One request under way and one that waits: the others are 503, as overflow."""
    backend = await mesh.backend("pod", app="pharmacy")
    proxy = await mesh.sidecar()
    mesh.plane.set_pods([backend.pod()])
    await said(mesh, "{connectionPool: {tcp: {maxConnections: 1}, http: {http1MaxPendingRequests: 1}}}")
    async with client(proxy) as caller:
        first = asyncio.create_task(caller.get("/slow"))
        await eventually(lambda: backend.busy)
        others = await asyncio.gather(*(caller.get("/") for _ in range(4)))
        assert (await first).status_code == 200
        assert sorted(each.status_code for each in others) == [200, 503, 503, 503]
        refused = [each for each in others if each.status_code == 503]
        assert {each.headers["x-envoy-overloaded"] for each in refused} == {"true"}
        assert (await caller.get("/")).status_code == 200


async def test_a_pod_that_fails_is_left_out(mesh: RunningMesh) -> None:
    """Once it has failed as often as is allowed; without the rule it goes on getting its share."""
    backends = [await mesh.backend("well", app="pharmacy"), await mesh.backend("ill", app="pharmacy")]
    backends[1].status = 500
    proxy = await mesh.sidecar()
    mesh.plane.set_pods([backend.pod() for backend in backends])
    ejection = "{consecutive5xxErrors: 2, interval: 1s, baseEjectionTime: 600s, maxEjectionPercent: 100}"
    async with client(proxy) as caller:
        await said(mesh, "{loadBalancer: {simple: ROUND_ROBIN}}")
        assert [(await caller.get("/")).status_code for _ in range(20)].count(500) == 10
        await said(mesh, f"{{loadBalancer: {{simple: ROUND_ROBIN}}, outlierDetection: {ejection}}}")
        assert [(await caller.get("/")).status_code for _ in range(20)].count(500) == 2


EVERYTHING = """{
  loadBalancer: {simple: LEAST_REQUEST, warmup: {duration: 1s, minimumPercent: 20, aggression: 1.5}},
  connectionPool: {
    tcp: {maxConnections: 100, connectTimeout: 1s, tcpKeepalive: {probes: 3, time: 60s, interval: 5s},
          maxConnectionDuration: 600s, idleTimeout: 0s},
    http: {http1MaxPendingRequests: 10, http2MaxRequests: 20, maxRequestsPerConnection: 30, maxRetries: 4,
           idleTimeout: 50s, useClientProtocol: true,
           h2UpgradePolicy: DO_NOT_UPGRADE, maxConcurrentStreams: 9}},
  outlierDetection: {consecutive5xxErrors: 3, consecutiveGatewayErrors: 0, interval: 1s, baseEjectionTime: 3s,
    maxEjectionPercent: 50, minHealthPercent: 10, splitExternalLocalOriginErrors: true,
    consecutiveLocalOriginFailures: 4},
  retryBudget: {percent: 30, minRetryConcurrency: 2}}"""


@pytest.mark.parametrize("host", ["pharmacy", "'*.shop.svc.cluster.local'", "'*'"])
async def test_proxies_take_everything_at_once(mesh: RunningMesh, host: str) -> None:
    """And serve with it; the rule may name the host or cover it."""
    proxy = await pharmacy(mesh, EVERYTHING, host=host)
    async with client(proxy) as caller:
        assert (await caller.get("/")).text == "pod-0"
    clusters = next(each for each in await proxy.admin.config_dump() if "ClustersConfigDump" in each["@type"])
    active = {each["cluster"]["name"]: each["cluster"] for each in clusters["dynamic_active_clusters"]}
    (limits,) = active[f"outbound|80||{HOST}"]["circuit_breakers"]["thresholds"]
    assert (limits["max_connections"], limits["max_requests"], limits["max_retries"]) == (100, 20, 4)
