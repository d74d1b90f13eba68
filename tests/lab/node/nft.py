"""Rules of nftables that translate addresses, as netlink messages, and what such rules are made of. Pure.

Standard library only. Must not know what the rules are for. Source: linux/netfilter/nf_tables.h. A rule is a
list of expressions: load a value into a register, compare the register, act.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from enum import IntEnum

from laneway.local.netns.netlink import LOOPBACK, Message, attribute, nested

Rule = list[bytes]
"""Expressions, one after another."""


class Hook(IntEnum):
    """Where a chain stands in a packet's way."""

    ARRIVING = 0
    LEAVING_HERE = 3
    LEAVING = 4


class Is(IntEnum):
    """How a value is compared."""

    EQUAL = 0
    NOT_EQUAL = 1
    LESS = 2
    GREATER = 4


_IPV4, _TCP = 2, 6
_SUBSYSTEM = 10 << 8
_NEW_TABLE, _DELETE_TABLE, _NEW_CHAIN, _NEW_RULE = (_SUBSYSTEM | kind for kind in (0, 2, 3, 6))
_BATCH_BEGIN, _BATCH_END = 16, 17
_CREATE, _APPEND = 0x400, 0x800
_DESTINATION_PRIORITY, _SOURCE_PRIORITY = -100, 100
_OUT_INTERFACE, _GROUP, _PROTOCOL = 5, 11, 16
_NETWORK, _TRANSPORT = 1, 2
_SOURCE_OFFSET, _DESTINATION_OFFSET, _PORT_OFFSET = 12, 16, 2
_ACCEPT = 1
_RANDOM = 1


def table(name: str, chains: Iterable[tuple[Hook, Iterable[Rule]]]) -> list[Message]:
    """One table, made as a whole, in place of an older one of its name."""
    named = attribute(1, _text(name))
    batch = _generic(0, _SUBSYSTEM >> 8)
    begin, end = (Message(kind, batch, acknowledged=False) for kind in (_BATCH_BEGIN, _BATCH_END))
    made = [
        Message(_NEW_TABLE, _generic(_IPV4) + named, _CREATE),
        Message(_DELETE_TABLE, _generic(_IPV4) + named),
        Message(_NEW_TABLE, _generic(_IPV4) + named, _CREATE),
    ]
    for hook, rules in chains:
        made.append(_chain(name, hook))
        made += [_rule(name, hook, each) for each in rules]
    return [begin, *made, end]


def tcp() -> Rule:
    """Only TCP."""
    return [_meta(_PROTOCOL), _compare(Is.EQUAL, bytes([_TCP]))]


def by_group(group: int) -> Rule:
    """Only what programs of a group send."""
    return [_meta(_GROUP), _compare(Is.EQUAL, struct.pack("=I", group))]


def at_loopback() -> Rule:
    """Only what stays in this network."""
    return [_meta(_OUT_INTERFACE), _compare(Is.EQUAL, struct.pack("=I", LOOPBACK))]


def source(address: bytes) -> Rule:
    """Only what comes from there."""
    return [_payload(_NETWORK, _SOURCE_OFFSET, 4), _compare(Is.EQUAL, address)]


def destination(operator: Is, address: bytes) -> Rule:
    """Only what goes there, or only what does not."""
    return [_payload(_NETWORK, _DESTINATION_OFFSET, 4), _compare(operator, address)]


def port(operator: Is, number: int) -> Rule:
    """Only what goes to such ports."""
    return [_payload(_TRANSPORT, _PORT_OFFSET, 2), _compare(operator, struct.pack(">H", number))]


def one_in(number: int) -> Rule:
    """Only one of so many, by chance."""
    numbers = (attribute(1, _number(1)), attribute(2, _number(number)), attribute(3, _number(_RANDOM)))
    return [_expression("numgen", *numbers), _compare(Is.EQUAL, struct.pack("=I", 0))]


def accept() -> Rule:
    """Leave it as it is."""
    verdict = nested(2, nested(2, attribute(1, _number(_ACCEPT))))
    return [_expression("immediate", attribute(1, _number(0)), verdict)]


def redirect_to(number: int) -> Rule:
    """To this port of this network."""
    load = _load(1, struct.pack(">H", number))
    return [load, _expression("redir", attribute(1, _number(1)), attribute(3, _number(2)))]


def send_to(address: bytes, number: int) -> Rule:
    """To this address and port."""
    registers = (attribute(3, _number(1)), attribute(5, _number(2)))
    kind = (attribute(1, _number(1)), attribute(2, _number(_IPV4)))
    return [
        _load(1, address),
        _load(2, struct.pack(">H", number)),
        _expression("nat", *kind, *registers),
    ]


def from_here() -> Rule:
    """As if it came from this network, so that answers come back here."""
    return [_expression("masq")]


def _load(register: int, value: bytes) -> bytes:
    return _expression("immediate", attribute(1, _number(register)), nested(2, attribute(1, value)))


def _meta(key: int) -> bytes:
    return _expression("meta", attribute(1, _number(1)), attribute(2, _number(key)))


def _payload(header: int, offset: int, size: int) -> bytes:
    numbers = enumerate((1, header, offset, size), 1)
    return _expression("payload", *(attribute(kind, _number(value)) for kind, value in numbers))


def _compare(operator: Is, value: bytes) -> bytes:
    return _expression(
        "cmp", attribute(1, _number(1)), attribute(2, _number(operator)), nested(3, attribute(1, value))
    )


def _chain(name: str, hook: Hook) -> Message:
    priority = _SOURCE_PRIORITY if hook is Hook.LEAVING else _DESTINATION_PRIORITY
    body = (
        attribute(1, _text(name))
        + attribute(3, _text(hook.name))
        + nested(4, attribute(1, _number(hook)), attribute(2, struct.pack(">i", priority)))
        + attribute(5, _number(_ACCEPT))
        + attribute(7, _text("nat"))
    )
    return Message(_NEW_CHAIN, _generic(_IPV4) + body, _CREATE)


def _rule(name: str, hook: Hook, expressions: Sequence[bytes]) -> Message:
    listed = nested(4, *(nested(1, expression) for expression in expressions))
    body = attribute(1, _text(name)) + attribute(2, _text(hook.name)) + listed
    return Message(_NEW_RULE, _generic(_IPV4) + body, _CREATE | _APPEND)


def _expression(name: str, *attributes: bytes) -> bytes:
    return attribute(1, _text(name)) + nested(2, *attributes)


def _generic(family: int, resource: int = 0) -> bytes:
    return struct.pack(">BBH", family, 0, resource)


def _number(value: int) -> bytes:
    return struct.pack(">I", value)


def _text(value: str) -> bytes:
    return value.encode() + b"\0"
