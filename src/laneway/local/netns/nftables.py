"""Rules of nftables as netlink messages. Pure; standard library only. Must not know what they are for.

Source: linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h. A rule is a list of expressions: load a
value into a register, compare the register, act.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from laneway.local.netns.netlink import Message, attribute, nested

IPV4, IPV6 = 2, 10
"""Families of a table."""

TCP, UDP = 6, 17

_SUBSYSTEM = 10 << 8
_NEW_TABLE, _NEW_CHAIN, _NEW_RULE = _SUBSYSTEM | 0, _SUBSYSTEM | 3, _SUBSYSTEM | 6
_BATCH_BEGIN, _BATCH_END = 16, 17
_CREATE, _APPEND = 0x400, 0x800
_HOOK_OUTPUT, _PRIORITY_DNAT = 3, -100
_ACCEPT = 1
_REGISTER = 1
_EQUAL, _NOT_EQUAL = 0, 1
_META_PRIORITY, _META_L4PROTO = 2, 16
_NETWORK_HEADER, _TRANSPORT_HEADER = 1, 2
_TO_OFFSET = {IPV4: 16, IPV6: 24}
"""Where the destination stands in the network's header."""

Expression = bytes


@dataclass(frozen=True, slots=True)
class Redirect:
    """Connections (or datagrams) that leave, sent to a port of this network instead.

    port: their destination's, None for any; priority: that their socket has (SO_PRIORITY), None for any;
    except_to: networks that they may go to unchanged.
    """

    protocol: int
    to: int
    port: int | None = None
    priority: int | None = None
    except_to: Sequence[IPv4Network | IPv6Network] = ()


def redirects(family: int, name: str, rules: Iterable[Redirect]) -> list[Message]:
    """One table of redirections, made as a whole or not at all; the first rule that matches counts."""
    table = attribute(1, _text(name))
    chain = (
        table
        + attribute(3, _text("output"))
        + nested(4, attribute(1, _number(_HOOK_OUTPUT)), attribute(2, struct.pack(">i", _PRIORITY_DNAT)))
        + attribute(5, _number(_ACCEPT))
        + attribute(7, _text("nat"))
    )
    made = [
        Message(_NEW_TABLE, _generic(family) + table, _CREATE),
        Message(_NEW_CHAIN, _generic(family) + chain, _CREATE),
        *(_rule(family, name, _redirect(family, rule)) for rule in rules),
    ]
    batch = _generic(0, _SUBSYSTEM >> 8)
    begin, end = (Message(kind, batch, acknowledged=False) for kind in (_BATCH_BEGIN, _BATCH_END))
    return [begin, *made, end]


def _rule(family: int, table: str, expressions: Iterable[Expression]) -> Message:
    body = (
        _generic(family)
        + attribute(1, _text(table))
        + attribute(2, _text("output"))
        + nested(4, *(nested(1, expression) for expression in expressions))
    )
    return Message(_NEW_RULE, body, _CREATE | _APPEND)


def _redirect(family: int, rule: Redirect) -> list[Expression]:
    found = [_meta(_META_L4PROTO), _compare(_EQUAL, bytes([rule.protocol]))]
    if rule.port is not None:
        found += [_payload(_TRANSPORT_HEADER, 2, 2), _compare(_EQUAL, struct.pack(">H", rule.port))]
    if rule.priority is not None:
        found += [_meta(_META_PRIORITY), _compare(_EQUAL, struct.pack("=I", rule.priority))]
    for network in rule.except_to:
        packed = network.network_address.packed
        found += [
            _payload(_NETWORK_HEADER, _TO_OFFSET[family], len(packed)),
            _mask(network.netmask.packed),
            _compare(_NOT_EQUAL, packed),
        ]
    return [*found, *_redirect_to(rule.to)]


def _meta(key: int) -> Expression:
    return _expression("meta", attribute(1, _number(_REGISTER)), attribute(2, _number(key)))


def _payload(header: int, offset: int, size: int) -> Expression:
    numbers = enumerate((_REGISTER, header, offset, size), 1)
    return _expression("payload", *(attribute(kind, _number(value)) for kind, value in numbers))


def _mask(mask: bytes) -> Expression:
    return _expression(
        "bitwise",
        attribute(1, _number(_REGISTER)),
        attribute(2, _number(_REGISTER)),
        attribute(3, _number(len(mask))),
        nested(4, attribute(1, mask)),
        nested(5, attribute(1, bytes(len(mask)))),
    )


def _compare(operator: int, value: bytes) -> Expression:
    return _expression(
        "cmp",
        attribute(1, _number(_REGISTER)),
        attribute(2, _number(operator)),
        nested(3, attribute(1, value)),
    )


def _redirect_to(port: int) -> list[Expression]:
    load = _expression(
        "immediate", attribute(1, _number(_REGISTER)), nested(2, attribute(1, struct.pack(">H", port)))
    )
    return [load, _expression("redir", attribute(1, _number(_REGISTER)), attribute(3, _number(2)))]


def _expression(name: str, *attributes: bytes) -> Expression:
    return attribute(1, _text(name)) + nested(2, *attributes)


def _generic(family: int, resource: int = 0) -> bytes:
    return struct.pack(">BBH", family, 0, resource)


def _number(value: int) -> bytes:
    return struct.pack(">I", value)


def _text(value: str) -> bytes:
    return value.encode() + b"\0"
