"""Netlink messages as bytes, and sending them. Standard library only: the helper imports nothing else.

Pure but for `Netlink`. Must not know what the messages are for.
Source: linux/netlink.h, linux/rtnetlink.h, linux/if_addr.h.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network

ROUTE, NETFILTER = 0, 12
"""Protocols of a netlink socket."""

LOOPBACK = 1
"""Index of `lo` in every network."""

_REQUEST, _ACK, _EXCLUSIVE, _CREATE = 0x1, 0x4, 0x200, 0x400
_ERROR = 2
_NEW_LINK, _NEW_ADDRESS, _NEW_ROUTE = 16, 20, 24
_HEADER, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=HH")
_NESTED = 0x8000
_UP = 1
_NO_DUPLICATE_DETECTION = 0x2
_TABLE_LOCAL, _BY_BOOT, _SCOPE_HOST, _TYPE_LOCAL = 255, 3, 254, 2
_RECEIVE_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Message:
    """One request. flags: besides those that every request has; body: its family's header, and attributes.

    acknowledged: whether the kernel shall say what became of it.
    """

    kind: int
    body: bytes
    flags: int = 0
    acknowledged: bool = True

    def packed(self, number: int) -> bytes:
        """As it is sent. number: by which its answer is known."""
        flags = self.flags | _REQUEST | (_ACK if self.acknowledged else 0)
        return _HEADER.pack(_HEADER.size + len(self.body), self.kind, flags, number, 0) + self.body


def attribute(kind: int, value: bytes) -> bytes:
    """An attribute, padded to four bytes."""
    size = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(size, kind) + value + bytes(-size % 4)


def nested(kind: int, *attributes: bytes) -> bytes:
    """An attribute made of attributes."""
    return attribute(kind | _NESTED, b"".join(attributes))


def link_up(index: int) -> Message:
    """Switch an interface on."""
    return Message(_NEW_LINK, struct.pack("=BxHiII", 0, 0, index, _UP, _UP))


def address(index: int, given: IPv4Interface | IPv6Interface) -> Message:
    """Give an interface an address."""
    packed = given.ip.packed
    flags = attribute(8, struct.pack("=I", _NO_DUPLICATE_DETECTION)) if given.version == 6 else b""
    head = struct.pack("=BBBBI", _family(given.version), given.network.prefixlen, 0, 0, index)
    body = head + attribute(2, packed) + attribute(1, packed) + flags
    return Message(_NEW_ADDRESS, body, _CREATE | _EXCLUSIVE)


def local_route(index: int, network: IPv4Network | IPv6Network, source: IPv4Address | IPv6Address) -> Message:
    """Let every address of a network be this machine's own. source: of connections to it."""
    scope = _SCOPE_HOST if network.version == 4 else 0
    head = struct.pack(
        "=BBBBBBBBI",
        _family(network.version),
        network.prefixlen,
        0,
        0,
        _TABLE_LOCAL,
        _BY_BOOT,
        scope,
        _TYPE_LOCAL,
        0,
    )
    body = (
        head
        + attribute(1, network.network_address.packed)
        + attribute(4, struct.pack("=I", index))
        + attribute(7, source.packed)
    )
    return Message(_NEW_ROUTE, body, _CREATE | _EXCLUSIVE)


def errors(answer: bytes) -> list[tuple[int, int]]:
    """What became of requests, from what the kernel sent: (number, errno), errno 0 for success."""
    found, offset = [], 0
    while offset + _HEADER.size <= len(answer):
        size, kind, _, number, _ = _HEADER.unpack_from(answer, offset)
        if kind == _ERROR:
            (code,) = struct.unpack_from("=i", answer, offset + _HEADER.size)
            found.append((number, -code))
        offset += size + -size % 4
    return found


class Netlink:
    """A socket of the network that it was opened in. Use as `with`."""

    def __init__(self, protocol: int) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        self._socket.bind((0, 0))

    def __enter__(self) -> Netlink:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, messages: Iterable[Message]) -> None:
        """Send them as one; the kernel has done them when this returns. Raises OSError for one refused."""
        numbered = dict(enumerate(messages, 1))
        self._socket.send(b"".join(message.packed(number) for number, message in numbered.items()))
        waited = {number for number, message in numbered.items() if message.acknowledged}
        while waited:
            for number, code in errors(self._socket.recv(_RECEIVE_BYTES)):
                if code:
                    raise OSError(code, os.strerror(code))
                waited.discard(number)


def _family(version: int) -> int:
    return socket.AF_INET if version == 4 else socket.AF_INET6
