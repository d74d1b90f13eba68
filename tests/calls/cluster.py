"""The world on the lab: a real API server, istiod and Envoys, and an application in every pod."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.calls.answers import asked
from tests.calls.app import ASK
from tests.calls.asking import Answer, Asked, ask
from tests.calls.call import INGRESS, Row
from tests.calls.envoy_walk import EnvoyWalk, Seat
from tests.calls.pods import version_of
from tests.calls.rows import CALLERS
from tests.calls.served import served
from tests.calls.world import APPS, IMAGES, NAMESPACES, PLAIN, UNREADY, Made
from tests.lab import istiod
from tests.lab.ads import Proxy
from tests.lab.control_plane import ControlPlane
from tests.lab.node import gateways
from tests.lab.node.images import Images
from tests.lab.node.names import names
from tests.lab.node.node import Node
from tests.lab.node.pod import Pod
from tests.lab.waiting import until

ROOT = Path(__file__).parents[2]
MESH = istiod.MESH + "outboundTrafficPolicy: {mode: REGISTRY_ONLY}\n"
"""Laneway's own default for what the mesh does not know."""

DOORS = {"http2": 80, "http-partners": 8080}
READY_WITHIN_S = 180.0
SEARCH = ("{0}.svc.cluster.local", "svc.cluster.local", "cluster.local")


def images() -> Images:
    """The application for every image of the world."""
    every = [f"{IMAGES}/{name}" for name in (*APPS, *PLAIN)]
    commands = {
        image: f"{sys.executable} -m tests.calls.app {image.rpartition('/')[2]} {{tag}} 8080 8081"
        for image in every
    }
    return Images(commands, dict.fromkeys(every, ROOT))


class Cluster:
    """A lab and its node with the world in it."""

    def __init__(self, lab: ControlPlane, node: Node) -> None:
        self._lab = lab
        self._node = node

    async def apply(self, made: Made) -> None:
        """Have the world; returns when all of it is ready that ever gets ready."""
        for name in NAMESPACES:
            labels = {"istio-injection": "enabled"}
            await self._lab.apply(
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
            )
        await self._lab.apply([*gateways.ingress(ports=DOORS), *gateways.egress(ports={"http2": 80})])
        await self._lab.apply([*made.mesh, *made.workloads])
        wanted = sorted(version_of(each["spec"]["template"]["spec"]) for each in made.workloads)
        await until(lambda: self._is_ready(wanted), "every pod is ready", READY_WITHIN_S)

    async def _is_ready(self, wanted: list[str]) -> bool:
        found = self._pods()
        running = {version_of(pod.body["spec"]): pod.ready for pod in found}
        gates = self._node.pods(gateways.NAMESPACE)
        there = sorted(version_of(pod.body["spec"]) for pod in found) == wanted and len(gates) == 2
        return (
            there
            and all(ready for version, ready in running.items() if not version.endswith(UNREADY))
            and all(pod.ready for pod in gates)
        )

    def _pods(self) -> list[Pod]:
        return [pod for name in NAMESPACES for pod in self._node.pods(name)]

    def _pod(self, version: str) -> Pod:
        return next(pod for pod in self._pods() if version_of(pod.body["spec"]) == version)

    async def answers(self, row: Row, mark: str = "") -> list[Answer]:
        """What comes back for the call of a row. mark: what it is remembered by."""
        call = row.call
        if call.caller == INGRESS:
            return await ask((self._node.ingress(), call.port), asked(row, mark))
        told = {**asdict(asked(row, mark)), "host": call.host, "port": call.port}
        (answer,) = await self._tell(call.caller, {ASK: json.dumps(told)})
        return [Answer(**each) for each in json.loads(answer.body)]

    async def calls(self, version: str) -> list[str]:
        """What the requests that a version got are remembered by."""
        (answer,) = await self._tell(version, {}, "/calls")
        found: list[str] = json.loads(answer.body)
        return found

    async def _tell(self, version: str, headers: Mapping[str, str], path: str = "/") -> list[Answer]:
        """An application's own answer, from outside of the mesh."""
        return await ask((self._pod(version).address, 8080), Asked("app", path, headers))

    async def walk(self) -> EnvoyWalk:
        """What istiod serves to every proxy that the table's calls pass."""
        gates = {
            name: self._node.pods(gateways.NAMESPACE, app=name)[0]
            for name in (gateways.INGRESS, gateways.EGRESS)
        }
        pods = [*gates.values(), *(self._pod(version) for version in CALLERS)]
        found = await asyncio.gather(*(served(self._lab.istiods[0].grpc, _proxy(pod)) for pod in pods))
        seats = [_seat(pod) for pod in (*gates.values(), *self._pods())]
        known = await self._names()

        def resolve(namespace: str, host: str) -> str:
            full = [host, *(f"{host}.{suffix.format(namespace)}" for suffix in SEARCH)]
            return next((known[name.lower()] for name in full if name.lower() in known), "240.240.255.254")

        by_address = {pod.address: each for pod, each in zip(pods, found, strict=True)}
        return EnvoyWalk(tuple(seats), by_address, gates[gateways.INGRESS].address, resolve)

    async def _names(self) -> Mapping[str, str]:
        services: dict[str, Any] = await self._lab.api.get("/api/v1/services")
        entries: dict[str, Any] = await self._lab.api.get("/apis/networking.istio.io/v1/serviceentries")
        return names(services["items"], entries["items"])


def _proxy(pod: Pod) -> Proxy:
    meta = pod.body["metadata"]
    kind = "sidecar" if version_of(pod.body["spec"]) else "router"
    return Proxy(meta["name"], meta["namespace"], pod.address, kind)


def _seat(pod: Pod) -> Seat:
    return Seat(pod.body["metadata"]["namespace"], version_of(pod.body["spec"]), pod.address)
