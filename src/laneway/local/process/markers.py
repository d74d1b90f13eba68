"""Markers: the environment variables by which the processes of a state are found again, whoever started them.

They outlive the daemon, and children inherit them. Must not know what the processes do.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from laneway.local.process import procfs
from laneway.spec.meta import Key


class Part(StrEnum):
    """What a process is to its pod, or, for a step's gate, to its release."""

    APP = "app"
    SIDECAR = "sidecar"
    GATEWAY = "gateway"
    GATE = "gate"
    TASK = "task"
    """A program of a probe or a hook, beside the application."""
    HELPER = "helper"


_PARTS = frozenset(part.value for part in Part)


@dataclass(frozen=True, slots=True)
class Identity:
    """Names a process for good, since pids are used again. started: clock ticks since that boot."""

    pid: int
    started: int
    boot: str = field(default_factory=procfs.boot)


@dataclass(frozen=True, slots=True)
class Marker:
    """What is marked on a process. block: of loopback addresses, as in `addresses`; pod: or gateway."""

    state: str
    block: int
    pod: Key
    part: Part

    def environment(self) -> dict[str, str]:
        """The variables to start it with."""
        return {
            "LANEWAY_STATE": self.state,
            "LANEWAY_BLOCK": str(self.block),
            "LANEWAY_POD": str(self.pod),
            "LANEWAY_PART": self.part.value,
        }


@dataclass(frozen=True, slots=True)
class Marked:
    """A living process with a marker. Parts lead their sessions, their children mostly do not."""

    identity: Identity
    marker: Marker
    session: int

    @property
    def leader(self) -> bool:
        """Whether the process leads its session."""
        return self.session == self.identity.pid


def find(state: str | None = None) -> list[Marked]:
    """Living processes of a state, or of all that this user may see; oldest first, this one left out."""
    found = [marked for pid in procfs.pids() if pid != os.getpid() and (marked := _marked(pid))]
    mine = [marked for marked in found if state in (None, marked.marker.state)]
    return sorted(mine, key=lambda marked: (marked.identity.started, marked.identity.pid))


def parts(found: Iterable[Marked]) -> dict[tuple[Key, Part], Identity]:
    """The process of each part: the oldest session leader, since a child may have opened its own session."""
    leaders: dict[tuple[Key, Part], Identity] = {}
    for marked in found:
        if marked.leader:
            leaders.setdefault((marked.marker.pod, marked.marker.part), marked.identity)
    return leaders


def _marked(pid: int) -> Marked | None:
    marker = _marker(procfs.environment(pid))
    stat = procfs.stat(pid) if marker else None
    if marker is None or stat is None or stat.zombie:
        return None
    return Marked(Identity(pid, stat.started), marker, stat.session)


def _marker(variables: dict[str, str]) -> Marker | None:
    state, block = variables.get("LANEWAY_STATE"), variables.get("LANEWAY_BLOCK", "")
    namespace, _, name = variables.get("LANEWAY_POD", "").partition("/")
    part = variables.get("LANEWAY_PART", "")
    if not state or not block.isdigit() or part not in _PARTS:
        return None
    return Marker(state, int(block), Key(namespace, name), Part(part))
