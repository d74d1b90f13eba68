"""The cluster in which everybody is measured: control planes, a node of kwok, one proxy, a count of pods.

Owns what is the same for all of them. Must not know any controller.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.api import MERGE, Object
from tests.lab.control_plane import ControlPlane
from tests.lab.node.watching import Watching
from tests.lab.program import Program

from bench.cluster.audit import Audit
from laneway.spec.meta import Key

NAMESPACE = "shop"
NODE = "kwok-1"
ACCOUNT = ("istio-system", "laneway")
"""Whoever is measured is this service account."""
CALLER = "caller"
IN_FLIGHT = 16
ROOT = Path(__file__).parents[2]


@dataclass
class Pods:
    """How many pods run in the namespace."""

    running: set[Key] = field(default_factory=set)
    most: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def changed(self, key: Key, body: Object | None) -> None:
        """A pod as it is now."""
        if body is not None and key.namespace == NAMESPACE and body["status"].get("phase") == "Running":
            self.running.add(key)
        else:
            self.running.discard(key)
        self.most = max(self.most, len(self.running))
        self._changed.set()

    async def rest(self, pods: int, seconds: float) -> None:
        """Wait until so many run. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while len(self.running) != pods:
                self._changed.clear()
                await self._changed.wait()


@dataclass
class Field:
    """A running cluster."""

    lab: ControlPlane
    audit: Audit
    pods: Pods
    tasks: asyncio.TaskGroup
    beside: int = 1
    """Pods of the namespace that are no app's: the one with a proxy."""

    async def have(self, bodies: Iterable[Object]) -> None:
        """Apply all of these, a few at a time."""
        await self._each(self.lab.api.apply(each) for each in bodies)

    async def change(self, bodies: Iterable[Object]) -> None:
        """Merge each of these into the object of its name, a few at a time."""
        await self._each(self._merge(each) for each in bodies)

    async def watch(self, path: str, changed: Callable[[Key, Object | None], None]) -> None:
        """Be told of objects, those that are there at once."""
        lab = self.lab
        watching = Watching(lab.server, lab.authority, lab.token(), path, changed)
        self.tasks.create_task(watching.run())
        await watching.known.wait()

    async def start(self, name: str, command: list[str]) -> Program:
        """A program that is measured, or stands beside."""
        folder = self.lab.folder / "measured"
        folder.mkdir(exist_ok=True)
        path = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
        told = {name: value for name, value in os.environ.items() if name.startswith("BENCH_")}
        program = Program(name, command, folder, {"PYTHONPATH": path, "HOME": str(folder)} | told)
        await program.start()
        return program

    async def _merge(self, body: Object) -> None:
        await self.lab.api.request("PATCH", await self.lab.api.path(body), body, content=MERGE)

    async def _each(self, requests: Iterable[Awaitable[object]]) -> None:
        turns = asyncio.Semaphore(IN_FLIGHT)

        async def one(request: Awaitable[object]) -> None:
            async with turns:
                await request

        await asyncio.gather(*map(one, requests))


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Field]:
    """A fresh cluster, with a proxy that follows its istiod."""
    audit = Audit(folder, [f"system:serviceaccount:{':'.join(ACCOUNT)}"])
    async with AsyncExitStack() as stack:
        lab = await stack.enter_async_context(ControlPlane(folder / "lab", api_server_flags=audit.flags))
        await stack.enter_async_context(lab.kwok(NODE))
        tasks = await stack.enter_async_context(_background())
        found = Field(lab, audit, Pods(), tasks)
        namespace, name = ACCOUNT
        await found.have(
            [_object("v1", "Namespace", "", NAMESPACE), _object("v1", "ServiceAccount", namespace, name)]
        )
        await found.watch("/api/v1/pods", found.pods.changed)
        proxy = [sys.executable, "-m", "bench.cluster.proxy", lab.istiods[0].grpc, f"{NAMESPACE}/{CALLER}"]
        stack.push_async_callback((await found.start("proxy", proxy)).stop)
        await found.have([_caller()])
        yield found


@asynccontextmanager
async def _background() -> AsyncIterator[asyncio.TaskGroup]:
    with suppress(asyncio.CancelledError):
        async with asyncio.TaskGroup() as tasks:
            yield tasks
            for each in list(tasks._tasks):
                each.cancel()


def _caller() -> Object:
    """A pod with a sidecar, in place of those that kwok does not run."""
    pod = _object("v1", "Pod", NAMESPACE, CALLER)
    containers = [{"name": name, "image": name} for name in ("app", "istio-proxy")]
    return pod | {"spec": {"nodeName": NODE, "containers": containers}}


def _object(version: str, kind: str, namespace: str, name: str) -> Object:
    place = {"namespace": namespace} if namespace else {}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **place}}


def object_of(version: str, kind: str, name: str) -> Object:
    """An object of an app, without its spec."""
    return _object(version, kind, NAMESPACE, name)


def service(name: str, app: str) -> Object:
    """A Service of an app's pods."""
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    return object_of("v1", "Service", name) | {"spec": {"selector": {"app": app}, "ports": ports}}


def template(name: str, version: str) -> Object:
    """The pods of an app, the same for everybody."""
    port = {"name": "http", "containerPort": 8080}
    container = {"name": "app", "image": f"registry.example/{name}:{version}", "ports": [port]}
    return {
        "metadata": {"labels": {"app": name}},
        "spec": {"nodeName": NODE, "containers": [container]},
    }
