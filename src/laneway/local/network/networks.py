"""Where a pod's programs run: in the machine's network, which all pods share, or in one of the pod's own.

Must not know what the programs are, nor how a network is made.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from laneway.local.container.mounting import prefix
from laneway.local.container.volumes import Mount
from laneway.local.pod.pods import Pod
from laneway.local.process.markers import Part
from laneway.local.process.processes import Process, spawn


@dataclass(frozen=True, slots=True)
class Start:
    """A program of a pod, to be started. env: all of its variables; output: file to append what it writes to;
    mounts: what it sees of its volumes; root: an empty folder, where there are any."""

    part: Part
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    output: Path
    root: Path
    mounts: Sequence[Mount] = ()


class Networks(Protocol):
    """The networks of a state's pods. own: whether pods with a sidecar have one of their own."""

    own: bool

    async def start(self, pod: Pod, start: Start) -> Process:
        """Start a program of the pod. Cancelled, it leaves no process.

        Raises OSError where it cannot be, CannotStartError where its volumes cannot.
        """

    async def open_socket(self, pod: Pod, family: int) -> socket.socket:
        """A TCP socket in the pod's network, for a caller outside of it. Raises OSError."""

    async def remove(self, pod: Pod) -> None:
        """The pod's processes have ended."""


class SharedNetwork:
    """The machine's own network, for every pod."""

    own = False

    async def start(self, pod: Pod, start: Start) -> Process:
        """As a process of ours."""
        argv = [*prefix(start.root, start.mounts), *start.argv]
        return await spawn(argv, start.env, start.cwd, start.output)

    async def open_socket(self, pod: Pod, family: int) -> socket.socket:
        """Any socket."""
        return socket.socket(family)

    async def remove(self, pod: Pod) -> None:
        """Nothing is left of it."""
