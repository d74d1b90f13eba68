"""How Istio reads names: hosts and gateways relative to a namespace, and host patterns.

Must not know which exist.
"""

from __future__ import annotations

DOMAIN = "svc.cluster.local"
ROOT_NAMESPACE = "istio-system"
"""Where the gateways are, and a Sidecar for all namespaces: Istio's default."""
MESH = "mesh"
"""The reserved gateway name that stands for all sidecars."""


def full_host(name: str, namespace: str) -> str:
    """A host as Istio resolves it: a name without a dot is a Service of the namespace; others stand."""
    host = name.lower()
    return host if "." in host or host == "*" else f"{host}.{namespace}.{DOMAIN}"


def full_gateway(name: str, namespace: str) -> str:
    """`namespace/name` of a Gateway, or `mesh`; `name` and `./name` are of the namespace."""
    if name == MESH or ("/" in name and not name.startswith("./")):
        return name
    return f"{namespace}/{name.removeprefix('./')}"


def covers(pattern: str, host: str) -> bool:
    """Whether every name that `host` stands for also matches `pattern` (`*`, `*.example.com` or a name)."""
    pattern, host = pattern.lower(), host.lower()
    return host.removeprefix("*").endswith(pattern[1:]) if pattern.startswith("*") else pattern == host


def overlap(one: str, other: str) -> bool:
    """Whether two host patterns have names in common."""
    return covers(one, other) or covers(other, one)
