"""The redirections that istio-init makes in a pod, as rules of nftables. Pure; standard library only.

Source: Istio, tools/istio-iptables/pkg/capture/run.go (mode REDIRECT); linux/netfilter/nf_tables.h.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from laneway.local.netns.netlink import LOOPBACK, Message, attribute, nested

PROXY_GROUP = 1337
"""The group that a sidecar runs as: its own connections are not redirected."""

OUTBOUND_PORT, INBOUND_PORT = 15001, 15006

_PROXY_PORTS = (15000, 15099)
"""The sidecar's own, which nobody is redirected from."""

_SELF = bytes([127, 0, 0, 1])
_INBOUND_SOURCE = bytes([127, 0, 0, 6])
"""Where a sidecar calls its own application from."""

_TABLE = "istio"
_IPV4, _TCP = 2, 6
_SUBSYSTEM = 10 << 8
_NEW_TABLE, _NEW_CHAIN, _NEW_RULE = _SUBSYSTEM | 0, _SUBSYSTEM | 3, _SUBSYSTEM | 6
_BATCH_BEGIN, _BATCH_END = 16, 17
_CREATE, _APPEND = 0x400, 0x800
_PREROUTING, _OUTPUT, _PRIORITY = 0, 3, -100
_EQUAL, _NOT_EQUAL, _LESS, _GREATER = 0, 1, 2, 4
_OUT_INTERFACE, _GROUP, _PROTOCOL = 5, 11, 16
_SOURCE_OFFSET, _DESTINATION_OFFSET = 12, 16
_ACCEPT = 1

Expression = bytes
Rule = list[Expression]


def captures() -> list[Message]:
    """One table, made as a whole."""
    head = _generic(_IPV4)
    batch = _generic(0, _SUBSYSTEM >> 8)
    begin, end = (Message(kind, batch, acknowledged=False) for kind in (_BATCH_BEGIN, _BATCH_END))
    made = [
        Message(_NEW_TABLE, head + attribute(1, _text(_TABLE)), _CREATE),
        _chain("prerouting", _PREROUTING),
        _chain("output", _OUTPUT),
        *(_rule("prerouting", rule) for rule in _arriving()),
        *(_rule("output", rule) for rule in _leaving()),
    ]
    return [begin, *made, end]


def _arriving() -> Iterable[Rule]:
    first, last = _PROXY_PORTS
    for operator, port in ((_LESS, first), (_GREATER, last)):
        yield [*_tcp(), *_port(operator, port), *_redirect_to(INBOUND_PORT)]


def _leaving() -> Iterable[Rule]:
    yield [*_tcp(), *_source(_INBOUND_SOURCE), *_at_loopback(_EQUAL), *_accept()]
    # The application called itself by its Service: back in, through the sidecar's front door.
    yield [
        *_tcp(), *_group(_EQUAL), *_at_loopback(_EQUAL), *_destination(_NOT_EQUAL, _SELF),
        *_redirect_to(INBOUND_PORT),
    ]  # fmt: skip
    yield [*_tcp(), *_group(_EQUAL), *_accept()]
    yield [*_tcp(), *_at_loopback(_EQUAL), *_accept()]
    yield [*_tcp(), *_destination(_EQUAL, _SELF), *_accept()]
    yield [*_tcp(), *_redirect_to(OUTBOUND_PORT)]


def _tcp() -> Rule:
    return [_meta(_PROTOCOL), _compare(_EQUAL, bytes([_TCP]))]


def _group(operator: int) -> Rule:
    return [_meta(_GROUP), _compare(operator, struct.pack("=I", PROXY_GROUP))]


def _at_loopback(operator: int) -> Rule:
    return [_meta(_OUT_INTERFACE), _compare(operator, struct.pack("=I", LOOPBACK))]


def _source(address: bytes) -> Rule:
    return [_payload(1, _SOURCE_OFFSET, 4), _compare(_EQUAL, address)]


def _destination(operator: int, address: bytes) -> Rule:
    return [_payload(1, _DESTINATION_OFFSET, 4), _compare(operator, address)]


def _port(operator: int, port: int) -> Rule:
    return [_payload(2, 2, 2), _compare(operator, struct.pack(">H", port))]


def _accept() -> Rule:
    verdict = nested(2, nested(2, attribute(1, _number(_ACCEPT))))
    return [_expression("immediate", attribute(1, _number(0)), verdict)]


def _redirect_to(port: int) -> Rule:
    load = _expression(
        "immediate", attribute(1, _number(1)), nested(2, attribute(1, struct.pack(">H", port)))
    )
    return [load, _expression("redir", attribute(1, _number(1)), attribute(3, _number(2)))]


def _meta(key: int) -> Expression:
    return _expression("meta", attribute(1, _number(1)), attribute(2, _number(key)))


def _payload(header: int, offset: int, size: int) -> Expression:
    numbers = enumerate((1, header, offset, size), 1)
    return _expression("payload", *(attribute(kind, _number(value)) for kind, value in numbers))


def _compare(operator: int, value: bytes) -> Expression:
    return _expression(
        "cmp", attribute(1, _number(1)), attribute(2, _number(operator)), nested(3, attribute(1, value))
    )


def _chain(name: str, hook: int) -> Message:
    body = (
        attribute(1, _text(_TABLE))
        + attribute(3, _text(name))
        + nested(4, attribute(1, _number(hook)), attribute(2, struct.pack(">i", _PRIORITY)))
        + attribute(5, _number(_ACCEPT))
        + attribute(7, _text("nat"))
    )
    return Message(_NEW_CHAIN, _generic(_IPV4) + body, _CREATE)


def _rule(chain: str, expressions: Rule) -> Message:
    listed = nested(4, *(nested(1, expression) for expression in expressions))
    body = attribute(1, _text(_TABLE)) + attribute(2, _text(chain)) + listed
    return Message(_NEW_RULE, _generic(_IPV4) + body, _CREATE | _APPEND)


def _expression(name: str, *attributes: bytes) -> Expression:
    return attribute(1, _text(name)) + nested(2, *attributes)


def _generic(family: int, resource: int = 0) -> bytes:
    return struct.pack(">BBH", family, 0, resource)


def _number(value: int) -> bytes:
    return struct.pack(">I", value)


def _text(value: str) -> bytes:
    return value.encode() + b"\0"
