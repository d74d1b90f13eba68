"""Which hosts a gateway proxy serves on which port, and the VirtualServices that govern each.

Owns the meeting of Gateway servers with VirtualService hosts. Must not know Envoy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from laneway.mesh.names import age, gateways_of, hosts_of, intersection, is_wildcard
from laneway.mesh.rules import NOBODY, Caller, Site
from laneway.mesh.selection import selects
from laneway.spec.istio import Gateway, VirtualService
from laneway.spec.meta import Key
from laneway.spec.naming import covers

Place = tuple[int, str]
"""A server port and a host, which may be a wildcard."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server of a Gateway. hosts: pairs of the VirtualServices' namespace (`*`: any) and a host pattern."""

    gateway: str
    port: int
    hosts: tuple[tuple[str, str], ...]


def servers_of(gateways: Iterable[Gateway], labels: Mapping[str, str]) -> tuple[Server, ...]:
    """The servers that a gateway proxy with these labels has."""
    return tuple(
        Server(str(gateway.key), server.port.number, tuple(_pattern(gateway, host) for host in server.hosts))
        for gateway in gateways
        if selects(gateway.spec.selector, labels)
        for server in gateway.spec.servers
    )


def _pattern(gateway: Gateway, host: str) -> tuple[str, str]:
    namespace, slash, pattern = host.rpartition("/")
    if not slash:
        return "*", pattern.lower()
    return (gateway.metadata.namespace if namespace == "." else namespace), pattern.lower()


class GatewayTable:
    """For one group of gateway proxies: by port and host, the VirtualServices, kept up to date one by one."""

    def __init__(
        self, servers: tuple[Server, ...], rules: Iterable[VirtualService] = (), caller: Caller = NOBODY
    ) -> None:
        """caller: the gateway itself, for rules that ask for the source of a request."""
        self._servers = servers
        self._caller = caller
        self._places: dict[Key, set[Place]] = {}
        self._sources: dict[Place, dict[Key, VirtualService]] = defaultdict(dict)
        for source in rules:
            self.put(source)

    @property
    def ports(self) -> frozenset[int]:
        """The server ports."""
        return frozenset(server.port for server in self._servers)

    @property
    def exact(self) -> bool:
        """There is one port, and no host is a wildcard: so the host alone says which rules are meant."""
        return len(self.ports) == 1 and not any(is_wildcard(host) for _, host in self._sources)

    def put(self, source: VirtualService) -> set[Place]:
        """Take a VirtualService, new or changed; returns the places whose rules are other now."""
        touched = self.drop(source.key)
        namespace = source.metadata.namespace
        bound = gateways_of(source)
        places = {
            (server.port, host)
            for server in self._servers
            if server.gateway in bound
            for allowed, pattern in server.hosts
            if allowed in {"*", namespace}
            for name in hosts_of(source)
            if (host := intersection(pattern, name)) is not None
        }
        for place in places:
            self._sources[place][source.key] = source
        if places:
            self._places[source.key] = places
        return touched | places

    def drop(self, key: Key) -> set[Place]:
        """Forget a VirtualService; returns the places where it had rules."""
        places = self._places.pop(key, set())
        for place in places:
            del self._sources[place][key]
            if not self._sources[place]:
                del self._sources[place]
        return places

    def places(self) -> set[Place]:
        """The places that have rules."""
        return set(self._sources)

    def hosts(self, port: int) -> list[str]:
        """The hosts that are served on a port."""
        return sorted(host for found, host in self._sources if found == port)

    def sources(self, place: Place) -> list[VirtualService]:
        """The VirtualServices of a host, oldest first: at a gateway all of them count."""
        return sorted(self._sources.get(place, {}).values(), key=age)

    def site(self, port: int) -> Site:
        """Where rules on a port are read."""
        gateways = frozenset(server.gateway for server in self._servers if server.port == port)
        return Site(gateways, port, self._caller)

    def serving(self, port: int, host: str) -> str | None:
        """The served host, or the longest wildcard, that a request's host falls under."""
        covering = [name for name in self.hosts(port) if covers(name, host)]
        return max(covering, key=lambda name: (not is_wildcard(name), len(name)), default=None)
