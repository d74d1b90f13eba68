"""Addresses: a block 127.B.0.0/16 for each state of this machine, two addresses of it for each pod, and one
for each Service that a pod may call.

A pod with a network of its own has an address in it of which no other network knows; it is numbered alike.

A block is claimed by an abstract Unix socket: it has the scope of the addresses (the network namespace),
the kernel gives it to one process only, whoever owns that, frees it when the process dies, and leaves no
file. What the processes of a killed daemon still use is seen by who listens in the block, and by their
markers.

Must not know what listens.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from laneway.local.process import markers, procfs

_FIRST_BLOCK, _BLOCKS = 64, 191
_PODS = range(256, 32 * 256)
"""Numbers of the pods in a block: 127.B.1.0 to 127.B.31.255; an application's address is 32 × 256 above."""
_APP_OFFSET = 32 * 256
_LINKS = range(64 * 256, 256 * 256 - 1)
"""Numbers of the links in a block, from 127.B.64.0: a link is what one pod dials for one Service."""
_OWN_PREFIX = "10.244"
"""As pods of many clusters have."""

MESH_PORTS = range(15000, 15100)
"""Ports of every sidecar's own, as in Istio; no container's port may fall on one."""

_SHIFT = 10_000
_CAP_NET_BIND_SERVICE = 1 << 10


class NoAddressError(Exception):
    """No block, or no address in it, is free."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A pod's addresses. pod: where peers dial it; app: where its application listens.

    own: what it has instead of both in a network of its own.
    """

    pod: str
    app: str
    own: str = ""


class Addresses:
    """The block of a state, held until `close`. Addresses are given out in turn: none is soon used again."""

    def __init__(self, block: int, claim: socket.socket) -> None:
        self.block = block
        self._claim = claim
        self._pods = _Numbers(_PODS)
        self._links = _Numbers(_LINKS)

    @classmethod
    def claim(cls, state: str) -> Addresses:
        """The block that running processes of the state use, else a free one. Raises NoAddressError."""
        marked = markers.find()
        own = {each.marker.block for each in marked if each.marker.state == state}
        used = {each.marker.block for each in marked} | _blocks_listened_in()
        for block in sorted(own) or _blocks(cls.first_choice(state)):
            if (block in own or block not in used) and (claim := _bind(block)):
                return cls(block, claim)
        raise NoAddressError(f"no block of loopback addresses is free for state {state}")

    @staticmethod
    def first_choice(state: str) -> int:
        """The block that a state takes where it is free; it differs from state to state."""
        return _FIRST_BLOCK + int.from_bytes(hashlib.sha256(state.encode()).digest()[:4]) % _BLOCKS

    def gateway(self, number: int) -> str:
        """A fixed address outside the pods' range. number: 1 to 254."""
        if not 1 <= number <= 254:
            raise ValueError(f"gateway {number} is not from 1 to 254")
        return self._address(number)

    def allocate(self) -> Pair:
        """Two addresses that no pod has. Raises NoAddressError."""
        number = self._pods.take()
        if number is None:
            raise NoAddressError(f"all pod addresses of 127.{self.block}.0.0/16 are in use")
        return self._pair(number)

    def link(self) -> str | None:
        """An address that no pod dials for a Service; None where all are in use."""
        number = self._links.take()
        return None if number is None else self._address(number)

    def reserve(self, address: str) -> bool:
        """Take a recorded address of a pod or a link; False where it is not of this block, or in use."""
        number = self._number(address)
        return number is not None and any(each.reserve(number) for each in (self._pods, self._links))

    def release(self, address: str) -> None:
        """Give back a pod's addresses, or a link."""
        if (number := self._number(address)) is not None:
            self._pods.release(number)
            self._links.release(number)

    def close(self) -> None:
        """Give the block back."""
        self._claim.close()

    def _pair(self, number: int) -> Pair:
        own = f"{_OWN_PREFIX}.{number // 256}.{number % 256}"
        return Pair(self._address(number), self._address(number + _APP_OFFSET), own)

    def _address(self, number: int) -> str:
        return f"127.{self.block}.{number // 256}.{number % 256}"

    def _number(self, address: str) -> int | None:
        prefix, high, low = address.rsplit(".", 2)
        return int(high) * 256 + int(low) if prefix in (f"127.{self.block}", _OWN_PREFIX) else None


class _Numbers:
    """Numbers of a range, given out in turn."""

    def __init__(self, numbers: range) -> None:
        self._numbers = numbers
        self._taken: set[int] = set()
        self._next = numbers.start

    def take(self) -> int | None:
        """One that is not in use; None where all are."""
        numbers = self._numbers
        for offset in range(len(numbers)):
            number = numbers[(self._next - numbers.start + offset) % len(numbers)]
            if number not in self._taken:
                self._next = number + 1
                self._taken.add(number)
                return number
        return None

    def reserve(self, number: int) -> bool:
        """Take this one; False where it is in use, or not of the range."""
        if number not in self._numbers or number in self._taken:
            return False
        self._taken.add(number)
        self._next = max(self._next, number + 1)
        return True

    def release(self, number: int) -> None:
        """Give one back."""
        self._taken.discard(number)


def local_port(port: int, privileged_below: int) -> int:
    """The port that stands for a container's on this machine: 10,000 above where binding it needs root."""
    return port + _SHIFT if port < privileged_below else port


def privileged_below() -> int:
    """Ports below this cannot be bound by this process's children; 0 for root."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if (
            line.startswith("CapEff:")
            and os.geteuid() == 0
            and int(line.split()[1], 16) & _CAP_NET_BIND_SERVICE
        ):
            return 0
    return int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())


def _blocks(first: int) -> Iterator[int]:
    return (_FIRST_BLOCK + (first - _FIRST_BLOCK + step) % _BLOCKS for step in range(_BLOCKS))


def _blocks_listened_in() -> set[int]:
    addresses = (address.split(".") for address, _ in procfs.listening())
    return {int(parts[1]) for parts in addresses if parts[0] == "127"}


def _bind(block: int) -> socket.socket | None:
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        claim.bind(f"\0laneway/127.{block}")
    except OSError:
        claim.close()
        return None
    return claim
