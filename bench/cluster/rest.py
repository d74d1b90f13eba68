"""Apps at rest, by Laneway: what a controller that has nothing to do costs."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from bench.cluster.audit import changing
from bench.cluster.field import Field, opened
from bench.cluster.laneway import Laneway
from bench.cluster.roll import BEFORE, Arrivals
from bench.processes import cpu_seconds, resident_mb

APPS = 1000
AT_ONCE = 50
"""Apps that are brought up side by side."""
REST_SECONDS = 60.0
_LANEWAY, _ISTIO = "/apis/laneway.dev/v1alpha1", "/apis/networking.istio.io/v1"
WATCHED = (
    *(f"{_LANEWAY}/{each}" for each in ("apps", "releases")),
    *(f"{_ISTIO}/{each}" for each in ("virtualservices", "destinationrules")),
    *(f"/apis/apps/v1/{each}" for each in ("deployments", "controllerrevisions")),
    *(f"/api/v1/{each}" for each in ("services", "pods")),
)
"""The kinds of which there are as many as apps."""
UP_SECONDS_MAX = 600


@dataclass(frozen=True, slots=True)
class Rest:
    """What a controller took that was started with the apps there.

    start_cpu, cpu: seconds until it had read all, and in `REST_SECONDS` after; empty_mb: without any app;
    objects: that it watches; writes: in all of that, by what they were.
    """

    empty_mb: float
    memory_mb: float
    start_cpu: float
    cpu: float
    objects: int
    writes: Counter[str]

    @property
    def bytes_each(self) -> float:
        """Memory for each watched object."""
        return (self.memory_mb - self.empty_mb) * 1024 * 1024 / self.objects


async def rested(folder: Path, apps: int = APPS) -> Rest:
    """Bring the apps up, start the controller anew, and let it be."""
    async with opened(folder) as field:
        laneway = Laneway()
        await laneway.install(field)
        program = await laneway.start(field)
        await _quiet(program.pid or 0)
        empty = resident_mb(program.pid or 0)
        await _up(laneway, field, apps)
        await program.stop()
        field.audit.since()
        program = await laneway.start(field)
        try:
            return await _rest(field, program.pid or 0, empty)
        finally:
            await program.stop()


async def _up(laneway: Laneway, field: Field, apps: int) -> None:
    arrivals = Arrivals(laneway)
    await field.watch(laneway.watched, arrivals.changed)
    for first in range(0, apps, AT_ONCE):
        names = [f"app-{number:04}" for number in range(first, min(first + AT_ONCE, apps))]
        await field.have(body for name in names for body in laneway.app(name, 1, BEFORE))
        await arrivals.all(BEFORE, first + len(names), UP_SECONDS_MAX)
    await field.pods.rest(apps + field.beside, UP_SECONDS_MAX)


async def _rest(field: Field, pid: int, empty: float) -> Rest:
    start = await _quiet(pid)
    await asyncio.sleep(REST_SECONDS)
    cpu = cpu_seconds(pid) - start
    objects = sum([await _count(field, path) for path in WATCHED])
    return Rest(empty, resident_mb(pid), start, cpu, objects, changing(field.audit.since()))


async def _count(field: Field, path: str) -> int:
    """How many objects there are."""
    listed = await field.lab.api.get(path, limit="1")
    return len(listed["items"]) + int(listed["metadata"].get("remainingItemCount", 0))


async def _quiet(pid: int) -> float:
    """The CPU that a process has used once it uses no more for some seconds."""
    used = -1.0
    while used != (used := cpu_seconds(pid)) or not used:  # noqa: ASYNC110 - no event tells of it
        await asyncio.sleep(3)
    return used
