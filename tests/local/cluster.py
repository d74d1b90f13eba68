"""Replicas of small programs, and a mesh whose word the test gives; as a script, in their own process."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.exc import OperationalError
from tests.local.eventually import eventually

from laneway.local.container.containers import Command
from laneway.local.container.engines import Engine
from laneway.local.container.references import CannotStartError
from laneway.local.network.addresses import Addresses
from laneway.local.network.networks import SharedNetwork
from laneway.local.pod.pods import Pod
from laneway.local.pod.replicas import Replicas
from laneway.local.state import State
from laneway.local.store import Store

SERVER = """
import os, signal, socket, sys
def end(*_):
    print("application ends", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
listening = socket.create_server((os.environ["HOST"], int(os.environ["PORT"])))
print("serves", flush=True)
while True:
    connection, _ = listening.accept()
    with connection:
        path = connection.recv(1000).split(b" ")[1:2]
        if path == [b"/crash"]:
            print("told to crash", flush=True)
            os._exit(3)
        status = b"503 No" if os.path.exists(os.environ.get("SICK", "")) else b"200 OK"
        connection.sendall(b"HTTP/1.1 " + status + b"\\r\\n\\r\\n")
"""
SERVE = [sys.executable, "-S", "-E", "-c", SERVER]
PROXY = ["sh", "-c", "trap 'echo sidecar ends; exit 0' TERM; echo up; sleep 600 & wait"]


def ready_pods(replicas: Replicas) -> Sequence[Pod]:
    """Pods that take new requests."""
    return [pod for pod in replicas.pods() if pod.ready]


@dataclass
class Mesh:
    """A mesh whose word the test gives. ready: whether sidecars serve; idle: whether pods are unused."""

    is_ready: bool = True
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    leaving: list[Pod] = field(default_factory=list)

    def command(self, pod: Pod) -> Command:
        """A process that does nothing."""
        return Command(PROXY)

    def ready(self, pod: Pod) -> bool:
        """As the test says."""
        return self.is_ready

    async def drained(self, pod: Pod) -> None:
        """When the test says."""
        self.leaving.append(pod)
        await self.idle.wait()


@dataclass
class Cluster:
    """What a test works with. told: readiness of each pod at each call of `changed`."""

    store: FillableStore
    mesh: Mesh
    replicas: Replicas
    told: list[Pod]

    def scale(self, *deployments: dict[str, object]) -> None:
        """Ask for these Deployments and no others."""
        self.replicas.set_deployments(deployments)
        self.replicas.reconcile()

    def ready(self, count: int) -> bool:
        """Whether there are exactly this many pods, all ready."""
        return len(self.replicas.pods()) == len(ready_pods(self.replicas)) == count

    def history(self, *changes: str) -> list[tuple[str, str]]:
        """Change and reason of the events of these changes, of all where none is given."""
        events = self.store.events(limit=1000)
        return [(e.change, e.reason) for e in events if not changes or e.change in changes]


def told_command(pod: Pod) -> Command:
    """The container's own command."""
    if not pod.container.command:
        raise CannotStartError("image 'web:1' is not mapped: add it to laneway.yaml")
    return Command(pod.container.command)


class FillableStore(Store):
    """A store on a disk that can be full."""

    full = False

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Fails while the disk is full."""
        if self.full:
            raise OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))
        with super().transaction():
            yield


@asynccontextmanager
async def cluster(state: State, engine: Engine | None = None) -> AsyncIterator[Cluster]:
    """The replicas of a state; they run on when it is left."""
    store = FillableStore(state.database, lambda: datetime.now(UTC))
    addresses = Addresses.claim(state.id)
    mesh, told = Mesh(), list[Pod]()
    mesh.idle.set()
    replicas = Replicas(
        state,
        store,
        addresses,
        application=told_command,
        sidecars=mesh,
        networks=SharedNetwork(),
        now=lambda: datetime.now(UTC),
        source=random.Random(7),
        changed=told.append,
        engine=engine,
    )
    try:
        async with replicas:
            yield Cluster(store, mesh, replicas, told)
    finally:
        store.close()
        addresses.close()


async def serve_until_killed(path: str, deployments: str) -> None:
    """Run the Deployments; say so when all pods are ready."""
    async with cluster(State.at(Path(path))) as running:
        running.scale(*json.loads(deployments))
        wanted = sum(each["spec"]["replicas"] for each in json.loads(deployments))
        await eventually(lambda: running.ready(wanted))
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve_until_killed(*sys.argv[1:]))
