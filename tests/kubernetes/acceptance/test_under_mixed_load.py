"""Not one request of any kind fails on a real cluster; nothing is tried again.

Beside 100 requests per second, with bodies and new connections, there are requests of 5 s, WebSockets, gRPC
streams and TCP connections. The application ends at once when it is told to, whatever it is doing: as in any
cluster, its template says how long it goes on before that.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from tests.acceptance.mix import HOST, RPC_HOST, TCP_SECONDS, Mix
from tests.kubernetes.acceptance.shop import HELD, STEPS, Shop
from tests.kubernetes.running import namespace as namespace_of
from tests.lab.api import Object

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

GOES_ON_SECONDS = TCP_SECONDS + 4
"""Longer than the longest exchange, and than proxies take to hear that a pod ends."""

DOOR = f"""
# Whether a connection is mutual TLS cannot be told by the two bytes that a line of TCP has here.
apiVersion: v1
kind: Service
metadata: {{name: front}}
spec:
  selector: {{app: front}}
  ports: [{{name: http, port: 80, targetPort: 8080}}, {{name: grpc, port: 9090}}]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {{name: default}}
spec: {{mtls: {{mode: DISABLE}}}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: public}}
spec:
  selector: {{istio: ingressgateway}}
  servers: [{{port: {{number: 80, name: http, protocol: HTTP}}, hosts: [{HOST}, {RPC_HOST}]}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: front}}
spec:
  hosts: [{HOST}]
  gateways: [public]
  http: [{{retries: {{attempts: 0}}, route: [{{destination: {{host: front, port: {{number: 80}}}}}}]}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: front-grpc}}
spec:
  hosts: [{RPC_HOST}]
  gateways: [public]
  http: [{{retries: {{attempts: 0}}, route: [{{destination: {{host: front, port: {{number: 9090}}}}}}]}}]
"""
BEHIND = {"BACK": "back:80", "BACK_GRPC": "back:9090", "BACK_TCP": "back:9191"}


class Busy(Shop):
    """A front, plain, and the app behind it, which is released."""

    def objects(self, name: str, version: str = "v1") -> list[Object]:
        return [deployment("back", version, {}), self.app()]

    def app(self) -> Object:
        """The App of the service behind."""
        ports = [
            {"name": "http", "port": 80, "targetPort": 8080},
            {"name": "grpc", "port": 9090},
            {"name": "tcp", "port": 9191},
        ]
        return {
            "apiVersion": "laneway.dev/v1alpha1",
            "kind": "App",
            "metadata": {"name": "back"},
            "spec": {
                "workload": {"deployment": "back"},
                "service": {"ports": ports},
                "routing": {"http": [{"retries": {"attempts": 0}}]},
                "release": dict(self.policy),
            },
        }

    async def put(self, body: Object) -> None:
        """An object in this namespace."""
        body["metadata"]["namespace"] = self.namespace
        await self.cluster.put(body)

    async def up(self) -> None:
        await self.cluster.put(dict(namespace_of(self.namespace)))
        for body in [*yaml.safe_load_all(DOOR), deployment("front", "v1", BEHIND), *self.objects("back")]:
            await self.put(body)
        await self.cluster.until_app(self.namespace, "back", 90, Ready="True", Reconciling="False")
        await self.cluster.node.until_ready(self.namespace, 2, app="front")

    async def deploy(self, version: str, name: str = "back", image: str = "") -> None:
        made, app = self.objects(name, version)
        del made["spec"]["replicas"]  # it is held at zero by now
        await self.put(app)
        await self.put(made)


def deployment(name: str, version: str, env: Mapping[str, str]) -> Object:
    """A service's Deployment."""
    container = {
        "name": name,
        "image": f"registry.test/{name}:{version}",
        "env": [{"name": key, "value": value} for key, value in env.items()],
        "ports": [{"name": "http", "containerPort": 8080}, {"name": "grpc", "containerPort": 9090}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 1},
        "lifecycle": {"preStop": {"sleep": {"seconds": GOES_ON_SECONDS}}},
    }
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


@asynccontextmanager
async def without_failure(shop: Shop, what: str) -> AsyncIterator[Mix]:
    """Everything that is begun inside has to end well."""
    address = urlsplit(shop.cluster.node.ingress_url())
    mix = Mix((str(address.hostname), int(address.port or 80)))
    stop = threading.Event()
    running = asyncio.create_task(mix.run(stop))
    try:
        await shop.cluster.until(lambda: _is_under_way(mix), "every kind is under way")
        yield mix
    finally:
        stop.set()
        await running
        print(f"\n{what}: {mix.line()}")
    assert not mix.failures(), f"{what}: {mix.failures()}"
    assert all(counted.ended for counted in mix.counted.values())


async def _is_under_way(mix: Mix) -> bool:
    return all(counted.begun for counted in mix.counted.values())


async def test_a_canary_its_promotion_and_an_abort(shop: Shop) -> None:
    """Up to the last pod that goes, which waits for its streams."""
    busy: Any = Busy(shop.cluster, shop.namespace, policy={"steps": STEPS})
    await busy.up()
    async with without_failure(busy, "mixed: canary and promotion") as mix:
        await busy.deploy("v2")
        await busy.until_served({"v2": 100}, "back", 120)
        await busy.until_pods(2, "back")
        busy.policy = {"steps": HELD}
        await busy.deploy("v3")
        await busy.until_served({"v2": 80, "v3": 20}, "back", 120)
        await busy.deploy("v2")
        await busy.until_served({"v2": 100}, "back")
        await busy.until_pods(2, "back")
    assert {"v1", "v2"} <= set(mix.short.counts().labels)
    assert all({"v1", "v2"} <= set(counted.versions) for counted in mix.counted.values())
