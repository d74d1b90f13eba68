"""What the containers of pods use of the machine: CPU and memory, from one reading to the next.

Must not know who asks.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from laneway.local.process import procfs

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_WINDOW_SECONDS_MIN = 1.0
"""A shorter one counts too few ticks to tell anything."""

_DEPTH_MAX = 32


@dataclass(frozen=True, slots=True)
class Use:
    """cpu: billionths of a core, over the window; memory: bytes."""

    cpu: int
    memory: int
    window_seconds: float


class Meter:
    """Reads the programs that are led by some processes; each with all that it has started."""

    def __init__(self) -> None:
        self._at = 0.0
        self._before: Mapping[int, int] = {}
        self._found: dict[int, Use] = {}

    def read(self, leaders: set[int]) -> Mapping[int, Use]:
        """By leader. One that is read for the first time is not in it yet."""
        now = time.monotonic()
        window = now - self._at
        if window < _WINDOW_SECONDS_MIN:
            return self._found
        members = _members(leaders)
        ticks = {leader: sum(each.cpu_ticks for each in stats) for leader, stats in members.items()}
        self._found = {
            leader: Use(
                cpu=int((ticks[leader] - self._before[leader]) / _TICKS_PER_SECOND / window * 1e9),
                memory=sum(procfs.memory_bytes(each.pid) for each in stats),
                window_seconds=window,
            )
            for leader, stats in members.items()
            if ticks[leader] >= self._before.get(leader, ticks[leader] + 1)
        }
        self._at, self._before = now, ticks
        return self._found


def _members(leaders: set[int]) -> Mapping[int, list[procfs.Stat]]:
    there = {stat.pid: stat for pid in procfs.pids() if (stat := procfs.stat(pid))}
    found: defaultdict[int, list[procfs.Stat]] = defaultdict(list)
    for stat in there.values():
        if (leader := _leader(stat, there, leaders)) is not None:
            found[leader].append(stat)
    return found


def _leader(stat: procfs.Stat, there: Mapping[int, procfs.Stat], leaders: set[int]) -> int | None:
    """By its session, else by the nearest parent that is led."""
    each: procfs.Stat | None = stat
    for _ in range(_DEPTH_MAX):
        if each is None:
            return None
        if each.session in leaders:
            return each.session
        each = there.get(each.parent)
    return None
