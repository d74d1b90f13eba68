"""Interfaces as netlink messages: bridges, pairs of ends, routes. Pure; standard library only.

Must not know what they connect. Source: linux/rtnetlink.h, linux/if_link.h, linux/veth.h.
"""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv4Address, IPv4Network

from laneway.local.netns.netlink import Message, attribute, nested

_NEW_LINK, _REMOVE_LINK, _NEW_ROUTE = 16, 17, 24
_CREATE, _EXCLUSIVE = 0x400, 0x200
_ADDRESS, _NAME, _MASTER, _INFO, _NETWORK = 1, 3, 10, 18, 28
_INFO_KIND, _INFO_DATA, _PEER = 1, 2, 1
_LINK = struct.Struct("=BxHiII")
_MAIN_TABLE, _BY_BOOT, _SCOPE_UNIVERSE = 254, 3, 0
_TYPE_UNICAST, _TYPE_UNREACHABLE = 1, 7
_DESTINATION, _GATEWAY = 1, 5

EVERYWHERE = IPv4Network("0.0.0.0/0")


def bridge(name: str) -> Message:
    """A new bridge."""
    return _new_link(attribute(_NAME, _text(name)), nested(_INFO, attribute(_INFO_KIND, b"bridge")))


def pair(here: str, there: str, network: int, mac: bytes) -> Message:
    """A new pair of ends, one of them in another network. network: file descriptor; mac: of that one."""
    peer = _LINK.pack(0, 0, 0, 0, 0) + b"".join(
        (
            attribute(_NAME, _text(there)),
            attribute(_NETWORK, struct.pack("=I", network)),
            attribute(_ADDRESS, mac),
        )
    )
    data = nested(_INFO_DATA, attribute(_PEER, peer))
    return _new_link(attribute(_NAME, _text(here)), nested(_INFO, attribute(_INFO_KIND, b"veth"), data))


def join(index: int, bridge_index: int) -> Message:
    """Make an interface a port of a bridge."""
    body = _LINK.pack(0, 0, index, 0, 0) + attribute(_MASTER, struct.pack("=I", bridge_index))
    return Message(_NEW_LINK, body)


def removed(index: int) -> Message:
    """Remove an interface; of a pair, both ends."""
    return Message(_REMOVE_LINK, _LINK.pack(0, 0, index, 0, 0))


def route(to: IPv4Network, gateway: IPv4Address) -> Message:
    """What is for this network goes to the gateway."""
    destination = attribute(_DESTINATION, to.network_address.packed) if to.prefixlen else b""
    return _route(to, _TYPE_UNICAST, destination, attribute(_GATEWAY, gateway.packed))


def nowhere() -> Message:
    """Everything that is not near is refused at once."""
    return _route(EVERYWHERE, _TYPE_UNREACHABLE)


def mac_of(address: IPv4Address) -> bytes:
    """The hardware address of a pod: by its own address, so that no neighbour's table goes stale."""
    return b"\x0a\x58" + address.packed


def _new_link(*attributes: bytes) -> Message:
    return Message(_NEW_LINK, _LINK.pack(0, 0, 0, 0, 0) + b"".join(attributes), _CREATE | _EXCLUSIVE)


def _route(to: IPv4Network, kind: int, *attributes: bytes) -> Message:
    head = struct.pack(
        "=BBBBBBBBI", socket.AF_INET, to.prefixlen, 0, 0, _MAIN_TABLE, _BY_BOOT, _SCOPE_UNIVERSE, kind, 0
    )
    return Message(_NEW_ROUTE, head + b"".join(attributes), _CREATE | _EXCLUSIVE)


def _text(value: str) -> bytes:
    return value.encode() + b"\0"
