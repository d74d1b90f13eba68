"""How Istio reads names: hosts and gateways relative to a namespace, host patterns, age, cluster names.

Must not know which hosts exist.
"""

from __future__ import annotations

from datetime import UTC, datetime

from laneway.spec.istio import VirtualService
from laneway.spec.meta import Object

DOMAIN = "svc.cluster.local"
MESH = "mesh"
"""The reserved gateway name that stands for all sidecars."""

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


def full_host(name: str, namespace: str) -> str:
    """A host as Istio resolves it: a name without a dot is a Service of the namespace; others stand."""
    host = name.lower()
    return host if "." in host or host == "*" else f"{host}.{namespace}.{DOMAIN}"


def full_gateway(name: str, namespace: str) -> str:
    """`namespace/name` of a Gateway, or `mesh`; `name` and `./name` are of the namespace."""
    if name == MESH or ("/" in name and not name.startswith("./")):
        return name
    return f"{namespace}/{name.removeprefix('./')}"


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


def covers(pattern: str, host: str) -> bool:
    """Whether every name that `host` stands for also matches `pattern`."""
    if is_wildcard(pattern):
        return host.removeprefix("*").endswith(pattern[1:])
    return pattern == host


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
