"""An engine with a real store, real replicas and a real control plane that no proxy is connected to."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.local.cluster import SERVE, FillableStore

from laneway.control.loop import Loop
from laneway.control.status import Isolation, Json
from laneway.local.container import commands
from laneway.local.engine import LocalEngine
from laneway.local.network.addresses import Addresses
from laneway.local.network.cluster_addresses import addressed
from laneway.local.network.networks import SharedNetwork
from laneway.local.pod.replicas import Replicas
from laneway.local.proxy.gateways import Places
from laneway.local.proxy.proxies import Proxies
from laneway.local.server.service import Service
from laneway.local.state import State
from laneway.mesh.control_plane import ControlPlane
from laneway.mesh.translator import Translator
from laneway.spec.meta import Key

NOW = timedelta(seconds=2)
NO_SIDECAR = {"sidecar.istio.io/inject": "false"}
MESH_API = "networking.istio.io/v1"


@dataclass
class Running:
    """What a test works with. Passes are made by `decide`, one at a time."""

    store: FillableStore
    engine: LocalEngine
    replicas: Replicas
    service: Service
    loop: Loop
    ending: asyncio.Event

    def put(self, *bodies: Json) -> None:
        """Write objects as a person does."""
        self.store.apply(bodies, reason="a test", by="ann")

    async def decide(self) -> None:
        """Let what happened be told on, then make one pass."""
        await self.told()
        self.engine.flush()
        self.loop.once()

    async def told(self) -> None:
        """Let tasks take the turns that are due."""
        for _ in range(3):
            await asyncio.sleep(0)

    def deployments(self) -> set[str]:
        """Names of the Deployments that have pods."""
        return {pod.deployment for pod in self.replicas.pods()}


@asynccontextmanager
async def running(state: State) -> AsyncIterator[Running]:
    """An engine on a state; everything is ended when it is left."""

    def now() -> datetime:
        return datetime.now(UTC)

    store = FillableStore(state.database, now, addressed)
    addresses = Addresses.claim(state.id)
    translator = Translator(access_log=None)
    plane = ControlPlane(translator)
    places = Places(8080, addresses.gateway(1), addresses.gateway(2))
    proxies = Proxies(state, plane, translator.registry, places)
    engine = LocalEngine(store, plane, proxies, Isolation(mode="loopback", why="a test"), now)
    replicas = Replicas(
        state,
        store,
        addresses,
        application=lambda pod: commands.application(pod, store.get),
        sidecars=proxies,
        networks=SharedNetwork(),
        now=now,
        source=random.Random(7),
        changed=engine.pod_changed,
    )
    ending = asyncio.Event()
    try:
        async with replicas:
            engine.attach(replicas)
            told = asyncio.create_task(engine.tell())
            yield Running(store, engine, replicas, Service(state, engine, ending), Loop(engine), ending)
            told.cancel()
            await replicas.stop(NOW)
    finally:
        store.close()
        addresses.close()


def obj(kind: str, name: str, spec: Json, version: str = "laneway.dev/v1alpha1") -> Json:
    """An object of namespace shop."""
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "namespace": "shop"},
        "spec": spec,
    }


def plain(name: str, image: str = "registry/web:1", **spec: Any) -> Json:
    """A Deployment of a small server without a sidecar."""
    container = {"name": "main", "image": image, "command": SERVE, "ports": [{"containerPort": 8080}]}
    template = {
        "metadata": {"labels": {"app": name}, "annotations": NO_SIDECAR},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
    }
    return obj(
        "Deployment",
        name,
        {"selector": {"matchLabels": {"app": name}}, "template": template} | spec,
        "apps/v1",
    )


def app(name: str, deployment: str = "") -> Json:
    """An App that releases a Deployment, of its own name unless another is given."""
    service = {"ports": [{"name": "http", "port": 80, "targetPort": 8080}]}
    return obj("App", name, {"workload": {"deployment": deployment or name}, "service": service})


def lane(name: str, *apps: str) -> Json:
    """A Lane that deploys these apps."""
    return obj("Lane", name, {"apps": [{"name": each} for each in apps]})


def rules(host: str, **route: Any) -> Json:
    """A VirtualService of one rule."""
    to = {"route": [{"destination": {"host": host}}]}
    return obj("VirtualService", host, {"hosts": [host], "http": [to | route]}, MESH_API)


def public(name: str) -> Json:
    """A Gateway of the ingress."""
    server = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    return obj("Gateway", name, {"selector": {"istio": "ingressgateway"}, "servers": [server]}, MESH_API)


def key(name: str) -> Key:
    """A name in namespace shop."""
    return Key("shop", name)
