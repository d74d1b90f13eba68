"""VirtualServices by the hosts that they govern at the sidecars, and by those that they send to.

Owns which of them counts for a host. Must not know which hosts exist, nor what changes with a rule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Set

from laneway.mesh.names import age, gateways_of, hosts_of
from laneway.mesh.shadowed import Shadowed
from laneway.spec.istio import VirtualService
from laneway.spec.meta import Key
from laneway.spec.naming import MESH, full_host


class VirtualServices:
    """The VirtualServices, kept up to date one by one."""

    def __init__(self) -> None:
        self._all: dict[Key, VirtualService] = {}
        self._governing: dict[str, dict[Key, VirtualService]] = defaultdict(dict)
        self._senders: dict[str, set[Key]] = defaultdict(set)

    def put(self, value: VirtualService) -> None:
        """Take one."""
        self._all[value.key] = value
        for name in governed_hosts(value):
            self._governing[name][value.key] = value
        for name in destinations(value):
            self._senders[name].add(value.key)

    def drop(self, value: VirtualService) -> None:
        """Let one that was taken go."""
        del self._all[value.key]
        for name in governed_hosts(value):
            del self._governing[name][value.key]
            if not self._governing[name]:
                del self._governing[name]
        for name in destinations(value):
            self._senders[name].discard(value.key)
            if not self._senders[name]:
                del self._senders[name]

    def get(self, key: Key) -> VirtualService | None:
        """One by namespace and name."""
        return self._all.get(key)

    def oldest_first(self) -> list[VirtualService]:
        """All of them, those that are bound to gateways alone included."""
        return sorted(self._all.values(), key=age)

    def of(self, host: str) -> VirtualService | None:
        """The one that governs a host at the sidecars: the oldest. Istio ignores every other."""
        claims = self._governing.get(host)
        return min(claims.values(), key=age) if claims else None

    def hosts(self) -> Set[str]:
        """The hosts that are governed, in full."""
        return self._governing.keys()

    def sending_to(self, host: str) -> list[VirtualService]:
        """Those whose rules name a host as a destination."""
        return [self._all[key] for key in self._senders.get(host, ())]

    def shadowed(self) -> Iterator[Shadowed]:
        """Those that do not count for a host which they name."""
        for host, claims in self._governing.items():
            winner = min(claims.values(), key=age)
            for key in claims:
                if key != winner.key:
                    why = f"{winner.key} is older, and one VirtualService governs a host at the sidecars"
                    yield Shadowed("VirtualService", key, host, why)


def governed_hosts(value: VirtualService) -> tuple[str, ...]:
    """The hosts that it is for at the sidecars, in full; none where it is bound to gateways alone."""
    return hosts_of(value) if MESH in gateways_of(value) else ()


def destinations(value: VirtualService) -> set[str]:
    """Hosts, in full, that its rules send requests, copies of them, or connections to."""
    spec = value.spec
    requests = (destination for rule in spec.http for destination in rule.destinations)
    routes = (*(rule.route for rule in spec.tls), *(rule.route for rule in spec.tcp))
    connections = (share.destination for route in routes for share in route)
    return {full_host(found.host, value.metadata.namespace) for found in (*requests, *connections)}
