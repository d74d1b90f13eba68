"""The hub: a process that keeps the pods' networks on one bridge, and starts what runs in them.

It is the first process of a process namespace, and the bridge lies in a network of its own: when it ends,
however it ends, the kernel ends every program in the pods and removes every network, end and address. It ends
with whoever holds the other side of its socket. Standard library only: it runs as `python -I -S`.

Must not know why a pod exists.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import socket
import sys
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any

from tests.lab.node import links
from tests.lab.node.captures import captures
from tests.lab.node.forwarding import forwarding

from laneway.local.netns import linux, resolver, wire
from laneway.local.netns.launch import Confinement, Program, launch
from laneway.local.netns.netlink import LOOPBACK, NETFILTER, ROUTE, Message, Netlink, address, link_up
from laneway.local.netns.ownership import Owner

ROOT_END = "lanewaylab"
"""Begins the name of the machine's own end in the bridge; the number of the block of addresses ends it."""

BLOCKS = 16
"""As many hubs can run at a time, each with a part of 10.244.0.0/16."""

_PREFIX = 20
_CONTROL_PLANES = IPv4Network("10.243.0.0/16")
"""Of labs: where a pod finds the API server and the istiods."""

_NEW_PROCESSES = 0x2000_0000
_PARENT_DEATH_SIGNAL = 1
_BACKLOG = 16
_ROOT = Owner(0, 0, apart=False)

Reply = tuple[dict[str, Any], list[int]]
"""Values, and descriptors that are closed when they have been sent."""


def gateway(block: int) -> IPv4Address:
    """The bridge's address."""
    return IPv4Address("10.244.0.1") + (block << 32 - _PREFIX)


def outside(block: int) -> IPv4Address:
    """The machine's own address in the bridge."""
    return gateway(block) + 1


def pod_addresses(block: int) -> range:
    """Addresses of pods, as numbers; taken one after the other."""
    first = int(gateway(block)) + 9
    return range(first, int(gateway(block)) + (1 << 32 - _PREFIX) - 2)


class Hub:
    """Answers requests; each is `{"do": WHAT, "id": NUMBER, ...}`, each answer has its id, or an `error`."""

    def __init__(self, orders: socket.socket) -> None:
        """orders: of the resolver."""
        self._orders = orders
        self._network = linux.new_network()
        self._pods: dict[str, int] = {}
        self._ended: dict[int, int] = {}
        self._running: set[int] = set()
        self._block = _take_block(self._network)
        self._bridge = _furnish(self._network, self._block)
        self._made = 0
        signal.signal(signal.SIGCHLD, lambda *_: self._reap())

    def serve(self, asking: socket.socket) -> None:
        """Until who asks has ended."""
        while (received := wire.receive(asking)) is not None:
            request, given = received
            try:
                answer, returned = self._do(request, given)
            except OSError as error:
                answer, returned = {"error": [error.errno, error.strerror, error.filename]}, []
            wire.send(asking, answer | {"id": request["id"]}, returned)
            for descriptor in (*given, *returned):
                os.close(descriptor)

    def close(self) -> None:
        """Leave nothing on the machine at once; the kernel would take its time."""
        with suppress(OSError):
            _send(ROUTE, [links.removed(socket.if_nametoindex(f"{ROOT_END}{self._block}"))])

    def _do(self, request: dict[str, Any], given: list[int]) -> Reply:
        """Raises OSError."""
        match request["do"]:
            case "block":
                return {"block": self._block}, []
            case "pod":
                self._add(request["pod"], IPv4Address(request["address"]), request["captured"])
            case "launch":
                return self._launch(request, given[0])
            case "socket":
                with linux.inside(self._of(request["pod"])):
                    return {}, [socket.socket(request["family"]).detach()]
            case "status":
                self._reap()
                return {"status": self._ended.pop(request["pid"], None)}, []
            case "names":
                wire.send(self._orders, {"names": request["names"]})
            case "forwards":
                with linux.inside(self._network):
                    _send(NETFILTER, forwarding(request["forwards"]))
            case "forget":
                self._forget(request["pod"])
        return {}, []

    def _add(self, pod: str, own: IPv4Address, captured: bool) -> None:
        network = linux.new_network()
        try:
            self._connect(network, own)
            with linux.inside(network):
                _open_all_ports()
                if captured:
                    _send(NETFILTER, captures())
                self._resolve(pod)
        except OSError:
            os.close(network)
            raise
        self._pods[pod] = network

    def _connect(self, network: int, own: IPv4Address) -> None:
        self._made += 1
        end = f"pod{self._made}"
        with linux.inside(self._network):
            _send(ROUTE, [links.pair(end, "eth0", network, links.mac_of(own))])
            index = socket.if_nametoindex(end)
            _send(ROUTE, [links.join(index, self._bridge)], [link_up(index)])
        with linux.inside(network):
            index = socket.if_nametoindex("eth0")
            _send(
                ROUTE,
                [link_up(LOOPBACK)],
                [address(index, IPv4Interface((own, _PREFIX)))],
                [link_up(index)],
                [links.route(links.EVERYWHERE, gateway(self._block))],
            )

    def _resolve(self, pod: str) -> None:
        """Serve names where every resolver is asked: at port 53 of the pod's own loopback."""
        with socket.socket(type=socket.SOCK_DGRAM) as datagrams, socket.socket() as connections:
            datagrams.bind(("127.0.0.1", 53))
            connections.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            connections.bind(("127.0.0.1", 53))
            connections.listen(_BACKLOG)
            wire.send(self._orders, {"serve": pod}, [datagrams.fileno(), connections.fileno()])

    def _launch(self, request: dict[str, Any], output: int) -> Reply:
        program = Program(
            argv=request["argv"],
            env=request["env"],
            cwd=request["cwd"],
            output=output,
            confinement=Confinement(**request["confinement"]),
        )
        held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        try:
            pid = launch(program, self._of(request["pod"]), _ROOT)
            self._running.add(pid)
            return {"pid": pid}, [os.pidfd_open(pid)]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)

    def _forget(self, pod: str) -> None:
        if (network := self._pods.pop(pod, None)) is not None:
            os.close(network)
            wire.send(self._orders, {"forget": pod})

    def _of(self, pod: str) -> int:
        if pod not in self._pods:
            raise FileNotFoundError(errno.ENOENT, "the pod has no network", pod)
        return self._pods[pod]

    def _reap(self) -> None:
        """Every orphan of a pod is this process's child."""
        with suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = found
                if pid in self._running:
                    self._running.discard(pid)
                    self._ended[pid] = os.waitstatus_to_exitcode(status)


def _take_block(hub: int) -> int:
    """The first block whose end of the bridge nobody has; it is connected to it."""
    for block in range(BLOCKS):
        try:
            _send(ROUTE, [links.pair(f"{ROOT_END}{block}", "outside", hub, links.mac_of(gateway(block)))])
        except FileExistsError:
            continue
        index = socket.if_nametoindex(f"{ROOT_END}{block}")
        _send(ROUTE, [address(index, IPv4Interface((outside(block), _PREFIX)))], [link_up(index)])
        return block
    raise OSError(errno.EADDRNOTAVAIL, f"all {BLOCKS} blocks of pod addresses are taken")


def _furnish(hub: int, block: int) -> int:
    """The bridge, by its index. What a pod sends to nowhere is refused at once."""
    with linux.inside(hub):
        _send(ROUTE, [links.bridge("pods")])
        bridge, end = socket.if_nametoindex("pods"), socket.if_nametoindex("outside")
        _send(
            ROUTE,
            [link_up(LOOPBACK)],
            [links.join(end, bridge)],
            [link_up(end)],
            [address(bridge, IPv4Interface((gateway(block), _PREFIX)))],
            [link_up(bridge)],
            [links.route(_CONTROL_PLANES, outside(block))],
            [links.nowhere()],
        )
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        bridged = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
        if bridged.exists():  # what pods send each other is not to be translated
            bridged.write_text("0")
    return bridge


def _open_all_ports() -> None:
    Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("0")
    switch = Path("/proc/sys/net/ipv6/conf/all/disable_ipv6")
    if switch.exists():
        switch.write_text("1")


def _send(protocol: int, *batches: list[Message]) -> None:
    """In the network that this thread is in. Raises OSError."""
    with Netlink(protocol) as kernel:
        for batch in batches:
            kernel.send(batch)


def _start_resolver(asking: socket.socket) -> socket.socket:
    ours, theirs = wire.pair()
    if os.fork() == 0:
        ours.close()
        asking.close()
        resolver.run(theirs)
        os._exit(0)
    theirs.close()
    return ours


def _first_of_its_kind() -> None:
    """Go on as the first process of a new process namespace, which ends with this one's parent."""
    linux.unshare(_NEW_PROCESSES)
    child = os.fork()
    if child:
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def main(descriptor: int) -> None:
    """The process's entry. descriptor: of the socket by which it is asked."""
    with socket.socket(fileno=descriptor) as asking:
        asking.set_inheritable(False)
        _first_of_its_kind()
        hub = Hub(_start_resolver(asking))
        with suppress(BrokenPipeError):
            hub.serve(asking)
        hub.close()
    sys.exit(0)
