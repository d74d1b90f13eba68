"""The helper: keeps the pods' networks, and starts what runs in them. One for each state.

A process of its own because only one without threads may enter other namespaces, and because the networks,
the resolver and the exit statuses of what it started must outlive a killed daemon. Serves one daemon at a
time, one request after the other. Standard library only: it runs as `python -I -S`, which starts in 20 ms.

Must not know why a pod exists. Killed, it leaves everything running but the resolver; another one re-enters
the networks by the processes in them.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
from contextlib import suppress
from ipaddress import IPv4Address
from types import FrameType
from typing import Any

from laneway.local.netns import linux, ownership, pod_network, resolver, wire
from laneway.local.netns.launch import Confinement, Program, launch
from laneway.local.netns.ownership import Owner

_BACKLOG = 16

Reply = tuple[dict[str, Any], list[int]]
"""Values, and descriptors that are closed when they have been sent."""


class Helper:
    """Answers requests; each is `{"do": WHAT, "id": NUMBER, ...}`, each answer has its id, or an `error`."""

    def __init__(self, owner: Owner, orders: socket.socket) -> None:
        """orders: of the resolver."""
        self._owner = owner
        self._orders = orders
        self._networks: dict[str, int] = {}

    def serve(self, daemon: socket.socket) -> None:
        """Until the daemon has ended."""
        self._reap()
        while (received := wire.receive(daemon)) is not None:
            request, given = received
            try:
                answer, returned = self._do(request, given)
            except OSError as error:
                answer, returned = {"error": [error.errno, error.strerror, error.filename]}, []
            wire.send(daemon, answer | {"id": request["id"]}, returned)
            for descriptor in (*given, *returned):
                os.close(descriptor)

    def _do(self, request: dict[str, Any], given: list[int]) -> Reply:
        """Raises OSError."""
        match request["do"]:
            case "pod":
                return self._pod(request["pod"], IPv4Address(request["address"]), request["processes"])
            case "launch":
                return self._launch(request, given[0])
            case "socket":
                with linux.inside(self._network(request["pod"])):
                    return {}, [socket.socket(request["family"]).detach()]
            case "status":
                return {"status": _status(request["pid"])}, []
            case "names":
                wire.send(self._orders, {"names": request["names"]})
            case "forget":
                if (network := self._networks.pop(request["pod"], None)) is not None:
                    os.close(network)
                    wire.send(self._orders, {"forget": request["pod"]})
        return {}, []

    def _pod(self, pod: str, address: IPv4Address, processes: list[int]) -> Reply:
        """Make a pod's network, where no process of the pod is in one already."""
        if pod not in self._networks:
            network = _found(processes) if processes else None
            self._networks[pod] = pod_network.make(address) if network is None else network
            self._resolve(pod)
        return {}, []

    def _resolve(self, pod: str) -> None:
        with linux.inside(self._networks[pod]):
            place = ("127.0.0.1", pod_network.RESOLVER_PORT)
            with socket.socket(type=socket.SOCK_DGRAM) as datagrams, socket.socket() as connections:
                datagrams.bind(place)
                connections.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                connections.bind(place)
                connections.listen(_BACKLOG)
                wire.send(self._orders, {"serve": pod}, [datagrams.fileno(), connections.fileno()])

    def _launch(self, request: dict[str, Any], output: int) -> Reply:
        confined = request["confinement"]
        program = Program(
            argv=request["argv"],
            env=request["env"],
            cwd=request["cwd"],
            output=output,
            confinement=Confinement(**confined) if confined is not None else None,
        )
        pid = launch(program, self._network(request["pod"]), self._owner)
        return {"pid": pid}, [os.pidfd_open(pid)]

    def _network(self, pod: str) -> int:
        if pod not in self._networks:
            raise FileNotFoundError(errno.ENOENT, "the pod has no network", pod)
        return self._networks[pod]

    def _reap(self) -> None:
        """What ended while no daemon was there to ask."""
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _status(pid: int) -> int | None:
    """Exit status of what has ended, negative for a signal; None where it is not known."""
    with suppress(ChildProcessError):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
    return None


def _found(processes: list[int]) -> int | None:
    for pid in processes:
        with suppress(FileNotFoundError, ProcessLookupError):
            return ownership.network_of(pid)
    return None


def _start_resolver(listening: socket.socket) -> socket.socket:
    """Fork it while this process is still in the machine's network. Without it the helper ends too."""
    ours, theirs = wire.pair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        listening.close()
        resolver.run(theirs)
        os._exit(0)
    theirs.close()

    def ended(_: int, __: FrameType | None) -> None:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            sys.exit("the resolver has ended")

    signal.signal(signal.SIGCHLD, ended)
    return ours


def main(listening: int, kin: int | None) -> None:
    """The process's entry. listening: descriptor of the socket; kin: as in `ownership.become`."""
    with socket.socket(fileno=listening) as daemons:
        daemons.set_inheritable(False)  # else every program would keep it open
        orders = _start_resolver(daemons)
        helper = Helper(ownership.become(kin), orders)
        while True:
            daemon, _ = daemons.accept()
            with daemon, suppress(BrokenPipeError):
                helper.serve(daemon)
