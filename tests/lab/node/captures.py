"""The redirections that istio-init makes in a pod. Pure; standard library only.

Source: Istio, tools/istio-iptables/pkg/capture/run.go (mode REDIRECT).
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.lab.node.nft import (
    Hook,
    Is,
    Rule,
    accept,
    at_loopback,
    by_group,
    destination,
    port,
    redirect_to,
    source,
    table,
    tcp,
)

from laneway.local.netns.netlink import Message

PROXY_GROUP = 1337
"""The group that a sidecar runs as: its own connections are not redirected."""

OUTBOUND_PORT, INBOUND_PORT = 15001, 15006

_PROXY_PORTS = (15000, 15099)
"""The sidecar's own, which nobody is redirected from."""

_SELF = bytes([127, 0, 0, 1])
_INBOUND_SOURCE = bytes([127, 0, 0, 6])
"""Where a sidecar calls its own application from."""


def captures() -> list[Message]:
    """One table, made as a whole."""
    return table("istio", [(Hook.ARRIVING, _arriving()), (Hook.LEAVING_HERE, _leaving())])


def _arriving() -> Iterable[Rule]:
    first, last = _PROXY_PORTS
    for operator, number in ((Is.LESS, first), (Is.GREATER, last)):
        yield [*tcp(), *port(operator, number), *redirect_to(INBOUND_PORT)]


def _leaving() -> Iterable[Rule]:
    yield [*tcp(), *source(_INBOUND_SOURCE), *at_loopback(), *accept()]
    # The application called itself by its Service: back in, through the sidecar's front door.
    elsewhere = destination(Is.NOT_EQUAL, _SELF)
    yield [*tcp(), *by_group(PROXY_GROUP), *at_loopback(), *elsewhere, *redirect_to(INBOUND_PORT)]
    yield [*tcp(), *by_group(PROXY_GROUP), *accept()]
    yield [*tcp(), *at_loopback(), *accept()]
    yield [*tcp(), *destination(Is.EQUAL, _SELF), *accept()]
    yield [*tcp(), *redirect_to(OUTBOUND_PORT)]
