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
from laneway.spec.istio import Gateway, GatewayServer, ServerTLSSettings, VirtualService
from laneway.spec.meta import Key
from laneway.spec.naming import covers
from laneway.spec.protocols import Protocol, named

Place = tuple[int, str]
"""A server port and a host, which may be a wildcard."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server of a Gateway.

    hosts: pairs of the VirtualServices' namespace (`*`: any) and a host pattern; name: of its port; tls: what
    it does with TLS, None for nothing; redirects: it sends clients on to HTTPS.
    """

    gateway: str
    port: int
    hosts: tuple[tuple[str, str], ...]
    protocol: Protocol = Protocol.HTTP
    name: str = ""
    tls: ServerTLSSettings | None = None
    redirects: bool = False

    @property
    def http(self) -> bool:
        """It reads requests."""
        return self.protocol.http or (self.protocol is Protocol.HTTPS and self.tls is not None)

    @property
    def server_names(self) -> tuple[str, ...]:
        """The names (SNI) of the connections that it takes; none for any."""
        names = tuple(dict.fromkeys(pattern for _, pattern in self.hosts))
        return () if "*" in names else names

    def admits(self, source: VirtualService) -> bool:
        """Whether a VirtualService is bound to it, and of a namespace that it allows."""
        namespaces = {namespace for namespace, _ in self.hosts}
        allowed = "*" in namespaces or source.metadata.namespace in namespaces
        return allowed and self.gateway in gateways_of(source)


def servers_of(gateways: Iterable[Gateway], labels: Mapping[str, str]) -> tuple[Server, ...]:
    """The servers that a gateway proxy with these labels has."""
    return tuple(
        _server(gateway, server)
        for gateway in gateways
        if selects(gateway.spec.selector, labels)
        for server in gateway.spec.servers
    )


def _server(gateway: Gateway, server: GatewayServer) -> Server:
    """A server without a mode of TLS passes on what its protocol encrypts, as in Istio."""
    tls, protocol = server.tls, named(server.port.protocol) or Protocol.HTTP
    return Server(
        gateway=str(gateway.key),
        port=server.port.number,
        hosts=tuple(_pattern(gateway, host) for host in server.hosts),
        protocol=protocol,
        name=server.port.name,
        tls=tls if tls and tls.mode not in {None, "PASSTHROUGH"} and not protocol.http else None,
        redirects=bool(tls and tls.https_redirect) and protocol.http,
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
        """There is one port, and no host is a wildcard: so the host alone says which rules are meant.

        Nor is any host there without rules, only to be sent on to HTTPS.
        """
        one = len(self.ports) == 1 and not any(server.redirects for server in self._servers)
        return one and not any(is_wildcard(host) for _, host in self._sources)

    def put(self, source: VirtualService) -> set[Place]:
        """Take a VirtualService, new or changed; returns the places whose rules are other now."""
        touched = self.drop(source.key)
        namespace = source.metadata.namespace
        bound = gateways_of(source)
        places = {
            (server.port, host)
            for server in self._servers
            if server.gateway in bound and source.spec.http
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

    def redirecting(self, port: int) -> list[str]:
        """The hosts, or wildcards, of a port whose clients are sent on to HTTPS."""
        servers = [server for server in self._servers if server.port == port and server.redirects]
        return sorted({pattern for server in servers for _, pattern in server.hosts})

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
