"""What pods use: CPU, memory, and the requests that they take in, over the time from one reading to the next.

Must not know who asks, nor what follows from it.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from laneway.local.pod.pods import Pod
from laneway.local.process import procfs
from laneway.local.process.markers import Identity, Part
from laneway.mesh.envoy import Admin
from laneway.spec.meta import Key

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Use:
    """What a pod used until `at`. None: not known, as at the first reading of a part that was just started.

    window: over which CPU and requests were counted; cpu: thousandths of a core; memory: bytes; requests:
    thousandths of a request per second.
    """

    at: datetime
    window: timedelta
    cpu: int | None
    memory: int | None
    requests: int | None


@dataclass(frozen=True, slots=True)
class _Count:
    """Counters of a pod at a time, and of which processes they are: another one counts from 0."""

    at: datetime
    processes: Mapping[Part, Identity]
    cpu_ticks: int | None = None
    requests: int | None = None


@dataclass
class Meter:
    """Reads pods again and again. Each who reads has one of its own. admin: of a pod's sidecar."""

    admin: Callable[[Pod], Admin]
    now: Callable[[], datetime]
    _before: dict[Key, _Count] = field(default_factory=dict)

    async def read(self, pods: Sequence[Pod]) -> Mapping[Key, Use]:
        """What each of these pods has used since the last reading."""
        used = processes_of(pods)
        taken = await asyncio.gather(*(self._requests(pod) for pod in pods))
        found, before = {}, self._before
        self._before = {}
        for pod, requests in zip(pods, taken, strict=True):
            ticks, memory = used.get(pod.key, (None, None))
            count = _Count(self.now(), pod.processes, ticks, requests)
            self._before[pod.key] = count
            found[pod.key] = _between(before.get(pod.key), count, memory)
        return found

    async def _requests(self, pod: Pod) -> int | None:
        if Part.SIDECAR not in pod.processes:
            return None
        try:
            return await self.admin(pod).inbound_requests()
        except OSError:
            return None


def _between(before: _Count | None, count: _Count, memory: int | None) -> Use:
    if before is None or count.at <= before.at:
        return Use(count.at, timedelta(0), None, memory, None)
    window = count.at - before.at
    ticks = _grown(before, count, Part.APP, before.cpu_ticks, count.cpu_ticks)
    requests = _grown(before, count, Part.SIDECAR, before.requests, count.requests)
    cpu = None if ticks is None else _per_second(ticks, window) // _TICKS_PER_SECOND
    return Use(count.at, window, cpu, memory, None if requests is None else _per_second(requests, window))


def _grown(before: _Count, count: _Count, part: Part, old: int | None, new: int | None) -> int | None:
    """How much a counter grew; None where it is another process's, or unknown."""
    same = before.processes.get(part) == count.processes.get(part)
    return max(0, new - old) if same and old is not None and new is not None else None


def _per_second(amount: int, window: timedelta) -> int:
    """Thousandths per second."""
    return amount * 1_000_000_000 // (window // timedelta(microseconds=1))


def processes_of(pods: Iterable[Pod]) -> dict[Key, tuple[int, int]]:
    """CPU ticks and bytes of each pod's application, with everything that it has started."""
    applications = {pod.key: pod.processes[Part.APP] for pod in pods if Part.APP in pod.processes}
    if not applications:
        return {}
    there = {stat.pid: stat for pid in procfs.pids() if (stat := procfs.stat(pid))}
    below: dict[int, list[int]] = defaultdict(list)
    for stat in there.values():
        below[stat.parent].append(stat.pid)
        if stat.session not in (stat.pid, stat.parent):
            below[stat.session].append(stat.pid)  # also where its parent has ended
    found = {}
    for key, identity in applications.items():
        leader = there.get(identity.pid)
        if leader is not None and leader.started == identity.started:
            tree = set(_tree(identity.pid, below))
            ticks = sum(there[pid].cpu_ticks for pid in tree)
            found[key] = ticks, sum(map(procfs.memory_bytes, tree))
    return found


def _tree(pid: int, below: Mapping[int, Sequence[int]]) -> Iterator[int]:
    seen, rest = set(), [pid]
    while rest:
        each = rest.pop()
        if each not in seen:
            seen.add(each)
            yield each
            rest += below.get(each, ())
