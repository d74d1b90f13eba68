"""How Istio orders and names what it reads: age, bound gateways, overlapping hosts, clusters.

Must not know which hosts exist.
"""

from __future__ import annotations

from datetime import UTC, datetime

from laneway.spec.istio import VirtualService
from laneway.spec.meta import Object
from laneway.spec.naming import MESH, covers, full_gateway, full_host

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


def gateways_of(service: VirtualService) -> frozenset[str]:
    """The gateways that a VirtualService is bound to; the sidecars where it names none."""
    namespace = service.metadata.namespace
    return frozenset(full_gateway(name, namespace) for name in service.spec.gateways) or frozenset({MESH})


def hosts_of(service: VirtualService) -> tuple[str, ...]:
    """The hosts of a VirtualService in full, without repetition."""
    namespace = service.metadata.namespace
    return tuple(dict.fromkeys(full_host(name, namespace) for name in service.spec.hosts))


def age(value: Object) -> tuple[datetime, str, str]:
    """Sort key, oldest first: creation, then name, then namespace. Without a creation time: oldest."""
    meta = value.metadata
    created = meta.creation_timestamp or _BEFORE_ALL
    return created if created.tzinfo else created.replace(tzinfo=UTC), meta.name, meta.namespace


def is_wildcard(host: str) -> bool:
    """Whether a host stands for many: `*` or `*.example.com`."""
    return host.startswith("*")


def patterns_of(host: str) -> list[str]:
    """The patterns that cover a host, the most specific first: its name, `*.` and what follows a dot, `*`."""
    dots = [index for index, letter in enumerate(host) if letter == "."]
    return [host, *(f"*{host[dot:]}" for dot in dots), "*"]


def intersection(one: str, other: str) -> str | None:
    """The more specific of two overlapping host patterns; None where they do not overlap."""
    if covers(one, other):
        return other
    return one if covers(other, one) else None


def outbound(host: str, port: int, subset: str = "") -> str:
    """Istio's name of the cluster for a port of a host, or of one of its subsets."""
    return f"outbound|{port}|{subset}|{host}"


def inbound(port: int) -> str:
    """Istio's name of a sidecar's cluster for its own application."""
    return f"inbound|{port}||"
