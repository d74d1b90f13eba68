"""The client of the API server: what requests and watched pods cost it (it needs the lab: `make lab`)"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.kubernetes.api.running_server import RunningServer
from tests.lab import cache
from tests.lab.api import objects

from bench.figures import Figure
from laneway.kubernetes.api.access import access
from laneway.kubernetes.api.reflector import Reflector
from laneway.kubernetes.api.seen import PodSeen, pod_seen, seen
from laneway.kubernetes.api.server import Body, Server
from laneway.spec.meta import Key

APPLIES = 1000
PODS = 10_000
CHANGES = 3000
LABELS = frozenset({"laneway.dev/app", "laneway.dev/revision", "laneway.dev/lane", "laneway.dev/role"})


def figures() -> Iterator[Figure]:
    """Of an API server and a store with nothing else beside them."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        yield from asyncio.run(_measured(Path(folder)))


async def _measured(folder: Path) -> list[Figure]:
    async with RunningServer(folder) as running, Server.open(running.access()) as server:
        return [*await _applies(server), *await _pods(server, running.credentials.kubeconfig("admin"))]


async def _applies(server: Server) -> list[Figure]:
    definitions = objects(cache.document("istio-crds.yaml").read_text())
    await server.apply(
        next(each for each in definitions if each["spec"]["names"]["kind"] == "VirtualService")
    )
    watched = Reflector(server, "VirtualService", seen, lambda *_: None)
    watching = asyncio.create_task(watched.run())
    await watched.synced()
    while watched.missing:  # noqa: ASYNC110 - the definition is not served at once
        await asyncio.sleep(0.1)
    watching.cancel()
    written = [_virtual_service(number % 50, number) for number in range(APPLIES)]
    seconds, cpu = await _timed(lambda: _each(server.apply, written))
    return [
        Figure("applies of a VirtualService, 16 in flight", f"{APPLIES / seconds:,.0f}/s"),
        Figure("CPU of the client for each", f"{cpu / APPLIES * 1000:.2f} ms", peer="lightkube 1.13 ms"),
    ]


async def _pods(server: Server, kubeconfig: Path) -> list[Figure]:
    await server.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    seconds, _ = await _timed(lambda: _each(server.create, [_pod(number) for number in range(PODS)]))
    async with _watcher(kubeconfig) as ask:
        listed = await ask()
        changes = [{"metadata": {"annotations": {"changed": str(number)}}} for number in range(CHANGES)]
        keys = iter([Key("shop", _name(number)) for number in range(CHANGES)])
        await _each(lambda change: server.patch("Pod", next(keys), change), changes)
        changed = await ask()
    memory = listed["memory"] / PODS
    return [
        Figure("pods made, 16 in flight", f"{PODS / seconds:,.0f}/s"),
        Figure(f"{PODS:,} pods listed and kept", f"{listed['seconds']:.1f} s"),
        Figure("CPU for each", f"{listed['cpu'] / PODS * 1e6:.0f} µs"),
        Figure("memory for each", f"{memory:,.0f} bytes", "≤ 1,000 bytes", memory <= 1000),
        Figure("CPU for each change of a pod", f"{changed['cpu'] / CHANGES * 1e6:.0f} µs"),
    ]


async def _each(do: Callable[[Body], Awaitable[Any]], bodies: list[Body]) -> None:
    await asyncio.gather(*(do(body) for body in bodies))


async def _timed(work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """Seconds, and seconds of this process's CPU."""
    began, cpu = time.perf_counter(), time.process_time()
    await work()
    return time.perf_counter() - began, time.process_time() - cpu


@asynccontextmanager
async def _watcher(kubeconfig: Path) -> AsyncIterator[Callable[[], Awaitable[dict[str, float]]]]:
    """A process that watches all pods; what it has taken since it was last asked."""
    pipe = asyncio.subprocess.PIPE
    argv = (sys.executable, "-m", "bench.cluster_client", "watch", str(kubeconfig))
    process = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe)

    async def ask() -> dict[str, float]:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(b"\n")
        answer: dict[str, float] = json.loads(await process.stdout.readline())
        return answer

    try:
        yield ask
    finally:
        process.terminate()
        await process.wait()


async def _watch(kubeconfig: Path) -> None:
    """The watching process."""
    async with Server.open(access(kubeconfig=kubeconfig)) as server:
        await server.list("Node")  # a connection, and what code is loaded by a request
        changes = 0

        def changed(*_: object) -> None:
            nonlocal changes
            changes += 1

        gc.collect()
        before, began, cpu = _resident(), time.perf_counter(), time.process_time()
        pods: Reflector[PodSeen] = Reflector(server, "Pod", pod_seen(LABELS), changed)
        watching = asyncio.create_task(pods.run())
        while await asyncio.to_thread(sys.stdin.readline):
            await pods.synced()
            heard = -1.0
            while heard != pods.last_heard:  # until a tenth of a second is silent
                heard = pods.last_heard
                await asyncio.sleep(0.1)
            used = time.process_time() - cpu
            gc.collect()
            told = {
                "seconds": pods.last_heard - began if changes else 0.0,
                "cpu": used,
                "memory": _resident() - before,
            }
            print(json.dumps(told), flush=True)
            cpu = time.process_time()
        watching.cancel()


def _resident() -> int:
    """Bytes of memory that this process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def _virtual_service(number: int, weight: int) -> Body:
    host = f"app-{number:02}"
    subsets = {"stable": 100 - weight % 100, "new": weight % 100}
    route = [
        {"destination": {"host": host, "subset": name}, "weight": share} for name, share in subsets.items()
    ]
    lanes = [
        {
            "name": f"lane-{lane}",
            "match": [{"headers": {"x-lane": {"exact": f"lane-{lane}"}}}],
            "route": [{"destination": {"host": host, "subset": f"lane-{lane}"}}],
        }
        for lane in range(5)
    ]
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"namespace": "default", "name": host, "labels": {"laneway.dev/app": host}},
        "spec": {"hosts": [host], "http": [*lanes, {"name": "stable", "route": route}]},
    }


def _name(number: int) -> str:
    return f"app-{number % 200:03}-7d4b9c6f5-{number:05}"


def _pod(number: int) -> Body:
    app = f"app-{number % 200:03}"
    environment = [{"name": f"VARIABLE_{each}", "value": "x" * 20} for each in range(20)]
    container = {"name": "app", "image": f"registry.example/{app}:1", "env": environment}
    labels = {
        "laneway.dev/app": app,
        "laneway.dev/revision": "8f2c1a",
        "app": app,
        "pod-template-hash": "7d4b9c6f5",
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": "shop", "name": _name(number), "labels": labels},
        "spec": {"containers": [container]},
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["watch"]:
        asyncio.run(_watch(Path(sys.argv[2])))
    else:
        for figure in figures():
            print(figure.line(56), flush=True)
