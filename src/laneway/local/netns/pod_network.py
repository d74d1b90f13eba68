"""The network of one pod: its address, where its connections go, and making it. Standard library only.

Every address is the pod's own, so a connection to any of them arrives here, and is then redirected: a name's
question to the resolver, TCP to the sidecar. Only what the pod dials at its own address stays as it is. So no
interface leads out, no other pod leads in, and no address needs to be managed for a service.
"""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from pathlib import Path

from laneway.local.netns import linux
from laneway.local.netns.netlink import (
    LOOPBACK,
    NETFILTER,
    ROUTE,
    Message,
    Netlink,
    address,
    link_up,
    local_route,
)
from laneway.local.netns.nftables import IPV4, IPV6, TCP, UDP, Redirect, redirects

OUTBOUND_PORT = 15001
"""Where the sidecar takes every connection, at 127.0.0.1 and ::1; as Istio's."""

TRANSIT_PORT = 15002
"""Where the sidecar takes the connections that it opens itself, to lead them out: those of OWN_PRIORITY."""

OWN_PRIORITY = 6
"""As `mesh.bootstrap` sets it; that module is not the standard library's."""

RESOLVER_PORT = 15053
"""Where names are resolved, at 127.0.0.1; as Istio's."""

_TABLE = "laneway"
_DNS = 53
_IPV6_PREFIX = IPv6Address("fd10::")
_HALVES = ("0.0.0.0/1", "128.0.0.0/1")
_HALVES_IPV6 = ("::/1", "8000::/1")
"""Everything, in two parts: a route to all of it at once would be a default route."""


def ipv6_of(pod: IPv4Address) -> IPv6Address:
    """The IPv6 address of a pod, which nobody dials: IPv6 connections to elsewhere come from it."""
    return IPv6Address(int(_IPV6_PREFIX) + int(pod))


def links(pod: IPv4Address, ipv6: bool) -> list[Message]:
    """Addresses and routes."""
    found = [
        link_up(LOOPBACK),
        address(LOOPBACK, IPv4Interface((pod, 32))),
        *(local_route(LOOPBACK, IPv4Network(half), pod) for half in _HALVES),
    ]
    if ipv6:
        source = ipv6_of(pod)
        found.append(address(LOOPBACK, IPv6Interface((source, 128))))
        found += [local_route(LOOPBACK, IPv6Network(half), source) for half in _HALVES_IPV6]
    return found


def captures(pod: IPv4Address, ipv6: bool) -> list[list[Message]]:
    """The redirections, one batch for each family."""
    found = [redirects(IPV4, _TABLE, _rules(IPv4Network("127.0.0.0/8"), IPv4Network(pod)))]
    if ipv6:
        found.append(redirects(IPV6, _TABLE, _rules(IPv6Network("::1/128"), IPv6Network(ipv6_of(pod)))))
    return found


def _rules(*own: IPv4Network | IPv6Network) -> list[Redirect]:
    """own: where connections stay in the pod."""
    return [
        Redirect(UDP, RESOLVER_PORT, port=_DNS),
        Redirect(TCP, RESOLVER_PORT, port=_DNS),
        Redirect(TCP, TRANSIT_PORT, priority=OWN_PRIORITY, except_to=own),
        Redirect(TCP, OUTBOUND_PORT, except_to=own),
    ]


def has_ipv6() -> bool:
    """Whether this network's kernel knows IPv6 and lets it be used."""
    switch = Path("/proc/sys/net/ipv6/conf/all/disable_ipv6")
    return switch.exists() and switch.read_text().strip() == "0"


def make(pod: IPv4Address) -> int:
    """File descriptor of a pod's new network. Raises OSError."""
    made = linux.new_network()
    with linux.inside(made):
        furnish(pod)
    return made


def furnish(pod: IPv4Address) -> None:
    """Make the network that this thread is in a pod's. Raises OSError."""
    set_up_links(pod)
    set_up_captures(pod)
    open_all_ports()


def set_up_links(pod: IPv4Address) -> None:
    """Addresses and routes of the network that this thread is in. Raises OSError."""
    with Netlink(ROUTE) as kernel:
        for message in links(pod, has_ipv6()):
            kernel.send([message])


def set_up_captures(pod: IPv4Address) -> None:
    """Redirections of the network that this thread is in. Raises OSError."""
    with Netlink(NETFILTER) as kernel:
        for batch in captures(pod, has_ipv6()):
            kernel.send(batch)


def open_all_ports() -> None:
    """Let everybody listen at ports below 1024 too, as in a container. Raises OSError."""
    Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("0")
