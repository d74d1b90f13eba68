"""The open-loop load that no release may break: at the gateway, and through the mesh; it counts what failed.

Must not know what happens meanwhile.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.acceptance.flood import versions
from tests.kubernetes.acceptance.shop import Shop

from laneway.local.http1 import Request
from laneway.local.load import Counts, Load, Profile

RATE = 100
"""Requests per second at the gateway, by which the pharmacy is reached at once."""
SCARCER = 5
"""For so many there, one more reaches it through the page, whose sidecar chooses the version."""
TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Loads:
    """gate: the pharmacy by the gateway's rules; mesh: by the sidecar's of the page."""

    gate: Load
    mesh: Load
    began: datetime

    @property
    def all(self) -> tuple[Load, Load]:
        """Both."""
        return self.gate, self.mesh

    def failures(self) -> str:
        """Each request that failed: when it was due, in seconds of the load, how long it took, and why."""
        failed = [sample for load in self.all for sample in load.samples if sample.error]
        lines = [f"{each.due_s:.2f} s, {each.latency_s:.3f} s: {each.error}" for each in failed[:20]]
        return "\n".join([f"{len(failed)} failed; the load began at {self.began:%H:%M:%S.%f}", *lines])

    @property
    def errors(self) -> dict[str, int]:
        """Requests that failed, by reason."""
        found: dict[str, int] = {}
        for load in self.all:
            for error, number in load.counts().errors.items():
                found[error] = found.get(error, 0) + number
        return found

    @property
    def versions(self) -> set[str]:
        """Of the pharmacy, that answered."""
        return {label for load in self.all for label in load.counts().labels}

    async def more(self, each: int = 20) -> Mapping[str, int]:
        """Wait until so many requests more, begun from now on, have ended at the gateway, some by the page.

        Returns their versions.
        """
        since = {load: load.elapsed_s for load in self.all}
        least = {self.gate: each, self.mesh: each // SCARCER}
        while any(len(_since(load, at)) < least[load] for load, at in since.items()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # a load tells nobody of a sample
        return Counts.of([s for load, at in since.items() for s in _since(load, at)]).labels

    def line(self) -> str:
        """For people."""
        gate, mesh = (load.counts() for load in self.all)
        took = f"p50 {gate.p50_ms:.0f} ms, p99 {gate.p99_ms:.0f} ms, max {gate.max_ms:.0f} ms"
        sent = f"{gate.requests} at the gateway, {mesh.requests} by the page"
        return f"{sent}, {gate.failed + mesh.failed} failed; {dict(gate.labels)}; {took}"


def _since(load: Load, at: float) -> list[Any]:
    return [sample for sample in load.samples if sample.due_s >= at]


def behind_page(answer: Mapping[str, Any]) -> str:
    """The version of the pharmacy that the page has met."""
    return versions(dict(answer))["pharmacy"]


def loads(shop: Shop, lane: str = "", rate: float = RATE) -> Loads:
    """Of a shop, in a lane or in none."""
    headers = {"x-lane": lane} if lane else {}
    gate = Profile(Request(shop.host, "/pharmacy", headers), rate, timeout_s=TIMEOUT_SECONDS)
    mesh = Profile(Request(shop.host, "/", headers), rate / SCARCER, timeout_s=TIMEOUT_SECONDS)
    by_page = Load(shop.address, mesh, label=behind_page)
    return Loads(Load(shop.address, gate), by_page, datetime.now())


@asynccontextmanager
async def running(made: Loads) -> AsyncIterator[None]:
    """They send inside; after it, every request has been counted."""
    stop = threading.Event()
    sending = [asyncio.create_task(load.run(stop)) for load in made.all]
    try:
        await made.more()
        yield
    finally:
        stop.set()
        await asyncio.gather(*sending)


@asynccontextmanager
async def without_failure(shop: Shop, what: str, lane: str = "", rate: float = RATE) -> AsyncIterator[Loads]:
    """The load runs inside; every request of it has to succeed."""
    made = loads(shop, lane, rate)
    try:
        async with running(made):
            yield made
    finally:
        print(f"\n{what}: {made.line()}")
    assert not made.errors, f"{what}: {made.failures()}"


@asynccontextmanager
async def mesh_without_failure(shop: Shop, what: str, rate: float = RATE / 2) -> AsyncIterator[Load]:
    """A load through the page alone, for a pharmacy that has no rules at the gateway yet."""
    load = Load(shop.address, Profile(Request(shop.host, "/"), rate, TIMEOUT_SECONDS), label=behind_page)
    stop = threading.Event()
    sending = asyncio.create_task(load.run(stop))
    try:
        yield load
    finally:
        stop.set()
        await sending
        print(f"\n{what}: {load.counts()}")
    assert not load.counts().errors, f"{what}: {load.counts()}"
