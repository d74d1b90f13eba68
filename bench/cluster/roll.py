"""All apps to a new version at once, by one controller: what it takes."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.lab.api import Object

from bench.cluster.contender import Contender
from bench.cluster.field import Field, opened
from bench.processes import cpu_seconds
from laneway.spec.meta import Key

APPS = 50
REPLICAS = 5
BEFORE, AFTER = "v1", "v2"
FIRST_SECONDS_MAX = 400
ROLL_SECONDS_MAX = 300
QUIET_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Taken:
    """By one roll. cpu: seconds; memory_mb: the most that it had; before, pods: at first, the most."""

    seconds: float
    requests: Counter[str]
    cpu: float
    memory_mb: float
    before: int
    pods: int


class Arrivals:
    """Which apps have arrived at a version."""

    def __init__(self, contender: Contender) -> None:
        self._contender = contender
        self._objects: dict[Key, Object] = {}
        self._changed = asyncio.Event()

    def changed(self, key: Key, body: Object | None) -> None:
        """An object as it is now."""
        if body is not None:
            self._objects[key] = body
        self._changed.set()

    async def all(self, version: str, apps: int, seconds: float) -> None:
        """Wait for all of them. Raises TimeoutError, which says how many."""
        try:
            async with asyncio.timeout(seconds):
                while self.count(version) < apps:
                    await self._changed.wait()
                    self._changed.clear()
        except TimeoutError:
            raise TimeoutError(
                f"{self._contender.name}: {self.count(version)} of {apps} at {version}"
            ) from None

    def count(self, version: str) -> int:
        """How many have arrived."""
        return sum(self._contender.arrived(body, version) for body in self._objects.values())


async def rolled(contender: Contender, folder: Path, apps: int = APPS, replicas: int = REPLICAS) -> Taken:
    """Bring the apps up, wait until nothing moves, and change all of them."""
    async with opened(folder) as field:
        await contender.install(field)
        arrivals = Arrivals(contender)
        await field.watch(contender.watched, arrivals.changed)
        program = await contender.start(field)
        try:
            return await _roll(contender, field, arrivals, program.pid or 0, apps, replicas)
        finally:
            await program.stop()


async def _roll(
    contender: Contender, field: Field, arrivals: Arrivals, pid: int, apps: int, replicas: int
) -> Taken:
    names = [f"app-{number:02}" for number in range(apps)]
    await field.have(body for name in names for body in contender.app(name, replicas, BEFORE))
    await arrivals.all(BEFORE, apps, FIRST_SECONDS_MAX)
    await field.pods.rest(apps * replicas + field.beside, FIRST_SECONDS_MAX)
    await asyncio.sleep(QUIET_SECONDS)
    field.audit.since()
    before = field.pods.most = len(field.pods.running)
    begin_anew(pid)
    if contender.profiled:
        os.kill(pid, signal.SIGUSR1)
    cpu, began = cpu_seconds(pid), time.monotonic()
    await field.change(contender.change(name, AFTER) for name in names)
    await arrivals.all(AFTER, apps, ROLL_SECONDS_MAX)
    seconds = time.monotonic() - began
    used = cpu_seconds(pid) - cpu
    return Taken(seconds, field.audit.since(), used, peak_mb(pid), before, field.pods.most)


def begin_anew(pid: int) -> None:
    """Let the most memory that a process has had be what it has now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_mb(pid: int) -> float:
    """The most memory that a process has had."""
    (line,) = (each for each in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmHWM" in each)
    return int(line.split()[1]) / 1024
