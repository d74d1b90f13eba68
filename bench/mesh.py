"""Mesh: VirtualService change until every proxy serves it (services x lanes), lanes' cost, hops, memory.

Each lane deploys every app, so each proxy has services x (lanes + 1) Services. Behind the proxies an Envoy
answers; load comes from a process of `bench.client` (our own client, keep-alive, pipelined). Marks of istiod
were measured with istiod 1.31 and one proxy on the same kind of machine (two cores), from a write to its API
server on.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.mesh.running_mesh import LOOPBACK, RunningMesh, RunningProxy, eventually, free_port

from bench.client import Poll
from bench.figures import Figure, spread
from bench.processes import Client, available_mb, client, cpu_seconds, memory_mb, server
from bench.system import CONTAINER_PORT, objects, pods, rerouted
from laneway.mesh.control_plane import ControlPlane
from laneway.mesh.world import Inbound, Pod, Sidecar
from laneway.spec.meta import Object

PROXIES = 10
REPEATS = 26
CHANGE_MS_MAX = 10
ISTIOD_MS = {(1, 10): 138, (200, 10): 331, (1_000, 10): 299}
"""Of one proxy; without lanes in the last case."""
DENSE_MB = 9_000
"""What ten proxies with 11,000 Services need."""
START_SECONDS = 600
LANES_MANY = 1_000
LANE_COST_MAX = 0.10
LOAD_SECONDS = 2.0
LOAD_ROUNDS = 5
ROUND_TRIPS = 3_000


@dataclass(frozen=True, slots=True)
class Rig:
    """A mesh that serves `found`, with the server behind it. blue: of apps; green: of lanes."""

    mesh: RunningMesh
    found: list[Object]
    pods: list[Pod]
    blue: int
    green: int

    async def proxies(self, number: int) -> list[RunningProxy]:
        """That many sidecars more, which have acknowledged everything."""
        first = len(self.mesh.proxies)
        started = [await self.mesh.sidecar(f"proxy-{first + index}") for index in range(number)]
        generation = self.mesh.plane.publish()
        await eventually(lambda: self.mesh.plane.confirmed_generation() >= generation, START_SECONDS)
        return started


@asynccontextmanager
async def rig(services: int, lanes: int) -> AsyncIterator[Rig]:
    """A mesh of that many services and lanes, without proxies yet."""
    with tempfile.TemporaryDirectory() as folder:
        blue, green = free_port(), free_port()
        async with server(Path(folder), {blue: "blue", green: "green"}), RunningMesh(Path(folder)) as mesh:
            found = objects(services, lanes)
            for each in found:
                mesh.plane.upsert(each)
            behind = pods(found, (LOOPBACK, blue), (LOOPBACK, green))
            mesh.plane.set_pods(behind)
            yield Rig(mesh, found, behind, blue, green)


def figures() -> Iterator[Figure]:
    """All figures of the mesh."""
    parts: list[Coroutine[None, None, list[Figure]]] = [
        *(changes(services, lanes) for services, lanes in ISTIOD_MS),
        lane_cost(),
        hops(),
    ]
    with asyncio.Runner() as runner:
        for part in parts:
            yield from runner.run(part)


async def changes(services: int, lanes: int) -> list[Figure]:
    """From a changed VirtualService until all proxies serve it."""
    size = f"{services:,} x {lanes}"
    if services * lanes >= 10_000 and available_mb() < DENSE_MB:
        return [Figure(f"change, {size}", f"skipped: needs {DENSE_MB:,} MB of free memory")]
    async with rig(services, lanes) as ready:
        proxies = await ready.proxies(1)
        alone = await _changes(ready, proxies)
        begin = time.perf_counter()
        proxies += await ready.proxies(PROXIES - 1)
        started = time.perf_counter() - begin
        together = await _changes(ready, proxies)
        mark = ISTIOD_MS[services, lanes]
        ratio = mark / median(alone)
        memory = [memory_mb(each.process.pid) for each in proxies]
        clusters = sum(1 for each in ready.found if each.kind == "Service")
        return [
            Figure(
                f"change until one proxy serves it, {size}",
                spread(alone, "ms"),
                peer=f"measured istiod 1.31, same kind of machine: {mark} ms, {ratio:.0f} times as long",
            ),
            Figure(
                f"change until {PROXIES} proxies serve it, {size}",
                spread(together, "ms"),
                f"< {CHANGE_MS_MAX} ms",
                median(together) < CHANGE_MS_MAX,
            ),
            Figure(f"  memory of a sidecar there ({clusters:,} Services)", spread(memory, "MB PSS", 0)),
            Figure("  memory of control plane and this bench", f"{memory_mb(os.getpid()):.0f} MB PSS"),
            Figure(f"  start of {PROXIES - 1} more until they have everything", f"{started:.1f} s"),
        ]


async def _changes(ready: Rig, proxies: list[RunningProxy]) -> list[float]:
    """Changes there and back: milliseconds each, until all these proxies serve it."""
    poll = Poll([each.proxy.outbound for each in proxies if isinstance(each.proxy, Sidecar)], "s0")
    samples = [await _change(ready, poll, green=index % 2 == 0) for index in range(REPEATS)]
    poll.close()
    return samples


async def _change(ready: Rig, poll: Poll, green: bool) -> float:
    """One change of s0's rules; milliseconds until the last proxy gave the new answer.

    The proxies are asked from the moment that all have acknowledged it: before, the questions would take the
    CPU.
    """
    service, body = ("s0-lane-0", "green") if green else ("s0", "blue")
    rules = rerouted(ready.found, "s0", service)
    plane = ready.mesh.plane
    begin = time.perf_counter()
    plane.upsert(rules)
    await acknowledged(plane, plane.publish())
    poll.until_all_give(body)
    return (time.perf_counter() - begin) * 1_000


async def acknowledged(plane: ControlPlane, generation: int) -> None:
    """Returns as soon as every proxy has acknowledged a generation."""
    told = asyncio.Event()
    end = plane.subscribe(told.set)
    while plane.confirmed_generation() < generation:
        told.clear()
        await told.wait()
    end()


async def lane_cost() -> list[Figure]:
    """Requests per second through one proxy with one lane and with many, untagged and tagged."""
    rates: dict[tuple[int, str], list[float]] = {}
    costs: dict[tuple[int, str], list[float]] = {}
    async with rig(1, 1) as few, rig(1, LANES_MANY) as many, client("load") as loader:
        rigs = [(1, few, (await few.proxies(1))[0]), (LANES_MANY, many, (await many.proxies(1))[0])]
        for _ in range(LOAD_ROUNDS):
            for lanes, _, proxy in rigs:
                for lane in ("", f"lane-{lanes - 1}"):
                    before = cpu_seconds(proxy.process.pid)
                    rate = await loader.ask(_load(proxy, lane))
                    used = cpu_seconds(proxy.process.pid) - before
                    kind = "tagged" if lane else "untagged"
                    rates.setdefault((lanes, kind), []).append(rate)
                    costs.setdefault((lanes, kind), []).append(used / (rate * LOAD_SECONDS) * 1e6)
    found = []
    for kind in ("untagged", "tagged"):
        one, thousand = rates[1, kind], rates[LANES_MANY, kind]
        # Round by round, as each round's measurements saw the same load of the machine.
        ratio = median(after / before for before, after in zip(one, thousand, strict=True))
        found += [
            Figure(f"requests/s through one proxy, {kind}, 1 lane", spread(one, "", 0)),
            Figure(
                f"requests/s through one proxy, {kind}, {LANES_MANY:,} lanes",
                spread(thousand, "", 0),
                f"within {LANE_COST_MAX:.0%}",
                ratio > 1 - LANE_COST_MAX,
                f"{ratio:.2f} of 1 lane; measured with a list, as istiod 1.31 makes it: 0.35",
            ),
            Figure(
                f"  CPU of the proxy per request, {kind}",
                f"{median(costs[1, kind]):.1f} us, {median(costs[LANES_MANY, kind]):.1f} us",
            ),
        ]
    return found


def _load(proxy: RunningProxy, lane: str) -> dict[str, object]:
    assert isinstance(proxy.proxy, Sidecar)
    headers = {"x-lane": lane} if lane else {}
    return {
        "address": proxy.proxy.outbound,
        "authority": "s0",
        "headers": headers,
        "seconds": LOAD_SECONDS,
    }


async def hops() -> list[Figure]:
    """What a sidecar adds to a request: the caller's alone, and the caller's and the callee's."""
    async with rig(1, 1) as ready, client("latency") as caller:
        (proxy,) = await ready.proxies(1)
        listen = (LOOPBACK, free_port())
        behind = Inbound(CONTAINER_PORT, listen, (LOOPBACK, ready.blue))
        callee = Sidecar("shop/callee", "shop", {"app": "s0"}, (LOOPBACK, free_port()), (behind,))
        await ready.mesh.start(callee)
        assert isinstance(proxy.proxy, Sidecar)
        one = await _round_trips(ready, caller, proxy.proxy, (LOOPBACK, ready.blue))
        two = await _round_trips(ready, caller, proxy.proxy, listen)
        direct = [await _round_trip(caller, (LOOPBACK, ready.blue)) for _ in range(LOAD_ROUNDS)]
        memory = [memory_mb(each.process.pid) for each in ready.mesh.proxies.values()]
        return [
            Figure("latency of a request without a proxy, median", spread(direct, "us", 0)),
            Figure("  added by the caller's sidecar", f"{median(one) - median(direct):.0f} us"),
            Figure("  added by both sidecars", f"{median(two) - median(direct):.0f} us"),
            Figure("memory of a sidecar in a small mesh", spread(memory, "MB PSS", 0)),
        ]


async def _round_trips(ready: Rig, caller: Client, proxy: Sidecar, pod: tuple[str, int]) -> list[float]:
    """Round trips by way of a sidecar to a pod at this address."""
    ready.mesh.plane.set_pods(pods(ready.found, pod, pod))
    await ready.mesh.publish()
    return [await _round_trip(caller, proxy.outbound) for _ in range(LOAD_ROUNDS)]


async def _round_trip(caller: Client, address: tuple[str, int]) -> float:
    """Microseconds, the median of many."""
    seconds: float = await caller.ask({"address": address, "authority": "s0", "requests": ROUND_TRIPS})
    return 1e6 * seconds
