"""A network of its own for each pod that has a sidecar, through the helper, which is kept running.

Must not know how networks are made (`netns` does), nor why a pod runs.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any

from laneway.local.logs import log_file
from laneway.local.netns import client, files
from laneway.local.netns.client import Helper, LostError
from laneway.local.network.networks import SharedNetwork, Start
from laneway.local.pod.pods import Pod
from laneway.local.process import procfs
from laneway.local.process.markers import Identity, Marker, Part, find, parts
from laneway.local.process.processes import Process, clean_environment
from laneway.local.state import State
from laneway.spec.meta import Key

HELPER = Key("istio-system", "networks")
"""What the helper is called among the processes of a state."""

log = logging.getLogger(__name__)


class PodNetworks:
    """The networks of a state's pods. Use as `async with`: leaving lets the helper run."""

    own = True

    def __init__(self, state: State, block: int) -> None:
        self._state = state
        self._marker = Marker(state.id, block, HELPER, Part.HELPER)
        self._shared = SharedNetwork()
        self._helper: Helper | None = None
        self._connecting = asyncio.Lock()
        self._names: Mapping[str, str] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._left = False

    async def __aenter__(self) -> PodNetworks:
        """Take over the helper that runs, else start one. Raises OSError."""
        await self._connected()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def leave(self) -> None:
        """Keep the helper running no longer; it runs on."""
        self._left = True
        for task in self._tasks:
            task.cancel()
        if self._helper is not None:
            self._helper.close()

    def resolve(self, names: Mapping[str, str]) -> None:
        """What pods are told of names. names: addresses by full name."""
        if names != self._names:
            self._names = names
            self._begin({"do": "names", "names": dict(names)})

    async def start(self, pod: Pod, start: Start) -> Process:
        """In the pod's own network, where it has one; all but the sidecar confined."""
        if not pod.own_network:
            return await self._shared.start(pod, start)
        starting = asyncio.ensure_future(self._start(pod, start))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            with suppress(OSError):
                await (await starting).end_session()
            raise

    async def open_socket(self, pod: Pod, family: int) -> socket.socket:
        """In the pod's own network, where it has one."""
        if not pod.own_network:
            return await self._shared.open_socket(pod, family)
        _, (made,) = await self._ask({"do": "socket", "pod": str(pod.key), "family": int(family)})
        return socket.socket(fileno=made)

    async def remove(self, pod: Pod) -> None:
        """The kernel removes the network with the last process in it."""
        if pod.own_network:
            with suppress(LostError):
                await self._ask({"do": "forget", "pod": str(pod.key)})

    async def _start(self, pod: Pod, start: Start) -> Process:
        await self._ask(_pod_request(str(pod.key), pod.pod_ip, ()))
        request = {
            "do": "launch",
            "pod": str(pod.key),
            "argv": list(start.argv),
            "env": dict(start.env),
            "cwd": str(start.cwd),
            "confinement": None
            if start.part is Part.SIDECAR
            else files.confinement(pod, start, self._state.run),
        }
        output = os.open(start.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            answer, (pidfd,) = await self._ask(request, output)
        finally:
            os.close(output)
        pid: int = answer["pid"]
        stat = procfs.stat(pid)
        assert stat is not None, "the helper reaps only when it is asked for the status"
        return Process(Identity(pid, stat.started), pidfd, lambda: self._status(pid))

    async def _status(self, pid: int) -> int | None:
        try:
            answer, _ = await self._ask({"do": "status", "pid": pid})
        except OSError:
            return None
        status: int | None = answer["status"]
        return status

    async def _ask(self, request: dict[str, Any], *given: int) -> tuple[dict[str, Any], list[int]]:
        return await (await self._connected()).ask(request, given)

    async def _connected(self) -> Helper:
        """The helper, which knows every pod that runs. Raises OSError."""
        async with self._connecting:
            if self._left:
                raise LostError()
            if self._helper is None:
                found = parts(find(self._state.id))
                helper = Helper(self._reached(found), self._lost)
                for pod, processes in _apart(found).items():
                    await helper.ask(_pod_request(str(pod), "0.0.0.0", processes))
                await helper.ask({"do": "names", "names": dict(self._names)})
                self._helper = helper
            return self._helper

    def _reached(self, found: Mapping[tuple[Key, Part], Identity]) -> socket.socket:
        path = self._state.run / "networks.sock"
        if running := client.running(path):
            return running
        kin = next((identity.pid for (_, part), identity in found.items() if part is Part.SIDECAR), None)
        env = clean_environment() | self._marker.environment()
        return client.start(path, kin, env, log_file(self._state.logs, HELPER, Part.HELPER))

    def _lost(self) -> None:
        self._helper = None
        if not self._left:
            log.error("the helper has ended; names are not resolved in pods until another has started")
            self._begin({"do": "names", "names": dict(self._names)})

    def _begin(self, request: dict[str, Any]) -> None:
        task = asyncio.ensure_future(self._told(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _told(self, request: dict[str, Any]) -> None:
        try:
            await self._ask(request)
        except OSError as error:
            log.error("the helper was not told: %s", error)


def _pod_request(pod: str, address: str, processes: Iterable[int]) -> dict[str, Any]:
    return {"do": "pod", "pod": pod, "address": address, "processes": list(processes)}


def _apart(found: Mapping[tuple[Key, Part], Identity]) -> dict[Key, list[int]]:
    """Processes by pod, of those that are not in this machine's network."""
    here = procfs.network(os.getpid())
    processes: dict[Key, list[int]] = {}
    for (pod, part), identity in found.items():
        if part is not Part.HELPER and procfs.network(identity.pid) not in (here, None):
            processes.setdefault(pod, []).append(identity.pid)
    return processes
