"""The networks of a node's pods, through a hub that lives as long as this is entered.

Must not know how networks are made (`hub` does), nor what a pod is for.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.lab.node import hub
from tests.lab.node.forwarding import Place

import laneway
from laneway.local.netns import files, wire
from laneway.local.netns.client import Helper, LostError
from laneway.local.process import procfs
from laneway.local.process.markers import Identity
from laneway.local.process.processes import Process

_HERE = Path(__file__).parents[3]
_PATH = [str(Path(laneway.__file__).parents[1]), str(_HERE)]
_NAME_SERVICE = Path("/etc/nsswitch.conf")


@dataclass(frozen=True, slots=True)
class Start:
    """A program to start. root: an empty folder where there are mounts; hidden: folders it finds empty.

    The first of `hidden` is not one of the system's.
    """

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    output: Path
    hidden: Sequence[Path]
    root: str = ""
    mounts: Sequence[tuple[str, str, bool]] = field(default_factory=tuple)


class Network:
    """Networks on one bridge. Use as `async with`: leaving ends every program in them."""

    def __init__(self, log: Path) -> None:
        """log: where the hub writes what went wrong with it."""
        self._log = log
        self._hub: Helper | None = None
        self._program: subprocess.Popen[bytes] | None = None
        self._addresses: Iterator[int] = iter(())
        self.outside = ""
        """This machine's own address as pods see it."""

    async def __aenter__(self) -> Self:
        """Raises OSError."""
        ours, theirs = wire.pair()
        with theirs, self._log.open("ab") as output:
            self._program = subprocess.Popen(  # noqa: ASYNC220 - it takes a millisecond, once
                _python("tests.lab.node.hub", str(theirs.fileno())),
                env={},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._hub = Helper(ours, lambda: None)
        block = (await self._hub.ask({"do": "block"}))[0]["block"]
        self._addresses = iter(hub.pod_addresses(block))
        self.outside = str(hub.outside(block))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._hub is not None:
            self._hub.close()
        if self._program is not None:
            self._program.wait()

    async def add(self, pod: str, captured: bool) -> str:
        """Make a pod's network; its address, which no pod has had before. Raises OSError."""
        own = str(IPv4Address(next(self._addresses)))
        await self._ask({"do": "pod", "pod": pod, "address": own, "captured": captured})
        return own

    async def remove(self, pod: str) -> None:
        """The kernel removes it with the last process in it."""
        await self._ask({"do": "forget", "pod": pod})

    async def resolve(self, names: Mapping[str, str]) -> None:
        """What pods are told of names. names: addresses by full name."""
        await self._ask({"do": "names", "names": dict(names)})

    async def forward(self, forwards: Mapping[Place, Sequence[Place]]) -> None:
        """Let connections to some addresses go to others."""
        await self._ask({"do": "forwards", "forwards": list(forwards.items())})

    async def open_socket(self, pod: str, family: int) -> socket.socket:
        """A TCP socket in the pod's network."""
        _, (made,) = await self._ask({"do": "socket", "pod": pod, "family": int(family)})
        return socket.socket(fileno=made)

    async def start(self, pod: str, namespace: str, name: str, own: str, given: Start) -> Process:
        """Start a program in a pod. Raises OSError."""
        request = {
            "do": "launch",
            "pod": pod,
            "argv": list(given.argv),
            "env": dict(given.env),
            "cwd": str(given.cwd),
            "confinement": {
                "hidden": [str(each) for each in given.hidden],
                "files": _files(namespace, name, own),
                "hostname": name,
                "root": given.root,
                "mounts": list(given.mounts),
            },
        }
        output = os.open(given.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            answer, (pidfd,) = await self._ask(request, output)
        finally:
            os.close(output)
        number: int = answer["pid"]
        return Process(_identity(pidfd), pidfd, lambda: self._status(number))

    async def _status(self, number: int) -> int | None:
        try:
            answer, _ = await self._ask({"do": "status", "pid": number})
        except LostError:
            return None
        status: int | None = answer["status"]
        return status

    async def _ask(self, request: dict[str, Any], *given: int) -> tuple[dict[str, Any], list[int]]:
        assert self._hub is not None, "used inside `async with`"
        return await self._hub.ask(request, given)


def _python(module: str, call: str) -> list[str]:
    program = f"import sys; sys.path[:0] = {_PATH!r}; from {module} import main; main({call})"
    return [sys.executable, "-I", "-S", "-c", program]


def _files(namespace: str, name: str, own: str) -> dict[str, str]:
    found = {"/etc/hosts": files.hosts(own, name), "/etc/resolv.conf": files.resolv_conf(namespace)}
    if _NAME_SERVICE.exists():
        found[str(_NAME_SERVICE)] = files.name_service(_NAME_SERVICE.read_text())
    return found


def _identity(pidfd: int) -> Identity:
    """Who it is to this machine; the hub counts processes otherwise."""
    lines = Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines()
    pid = next(int(line.split()[1]) for line in lines if line.startswith("Pid:"))
    stat = procfs.stat(pid) if pid > 0 else None
    return Identity(pid, stat.started if stat else 0)
