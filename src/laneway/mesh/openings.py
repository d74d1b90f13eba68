"""What a gateway listens for, as values: which connections, whether TLS ends there, and what decides them.

Must not know Envoy, nor where ports are bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from laneway.mesh.connections import connection_rules
from laneway.mesh.gateways import Server
from laneway.mesh.registry import Registry
from laneway.mesh.rules import Caller, Site
from laneway.mesh.termination import HTTP_PROTOCOLS, Termination, termination_of
from laneway.spec.credentials import Lack, credentials_of
from laneway.spec.naming import covers
from laneway.spec.protocols import Protocol


@dataclass(frozen=True, slots=True)
class Opening:
    """Some of the connections to a server port.

    server_names: SNI, none for any; subnets: destinations as CIDR, none for any; tls: how TLS ends, None if
    it does not; clusters: where connections go, with weights; none: requests are read, and decided by the
    route configuration `table`; None: by one for each host.
    """

    port: int
    server_names: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()
    tls: Termination | None = None
    clusters: tuple[tuple[str, int], ...] = ()
    table: str | None = None


def http_openings(
    servers: Iterable[Server], plain: Iterable[tuple[int, str | None]], namespace: str, registry: Registry
) -> Iterator[Opening]:
    """For requests. plain: ports without TLS, and their tables; namespace: the gateway's, of its Secrets."""
    for port, table in plain:
        yield Opening(port, table=table)
    for server in servers:
        if server.http and server.tls:
            tls = termination_of(server.tls, namespace, registry, HTTP_PROTOCOLS)
            if tls is not None:
                yield Opening(server.port, server.server_names, tls=tls, table=table_name(server))


def connection_openings(servers: Iterable[Server], caller: Caller, registry: Registry) -> Iterator[Opening]:
    """For connections whose bytes are passed on: as the VirtualServices say, of which the oldest is first.

    caller: the gateway itself.
    """
    for server in servers:
        if server.http:
            continue
        tls = termination_of(server.tls, caller.namespace, registry, ()) if server.tls else None
        if server.tls and tls is None:
            continue
        site = Site(frozenset({server.gateway}), server.port, caller)
        named = server.protocol is not Protocol.TCP
        for source in registry.virtual_services():
            if not server.admits(source):
                continue
            for rule in connection_rules(source, site, registry, tls=named and tls is None):
                names = rule.server_names or (server.server_names if named else ())
                taken = tuple(name for name in names if _serves(server, name))
                if rule.clusters and (taken or not names):
                    yield Opening(server.port, taken, rule.subnets, tls, rule.clusters)


def closed(servers: Iterable[Server], namespace: str, registry: Registry) -> Iterator[tuple[Server, Lack]]:
    """The servers that take no connection, as their certificates are not there, and what is missing."""
    for server in servers:
        if server.tls and server.tls.credential_name:
            found = credentials_of(server.tls, namespace, registry.secret)
            if isinstance(found, Lack):
                yield server, found


def _serves(server: Server, name: str) -> bool:
    return any(covers(pattern, name) for _, pattern in server.hosts)


def distinct(openings: Iterable[Opening]) -> tuple[Opening, ...]:
    """For each port and kind of connection the first: Envoy takes no two."""
    found: list[Opening] = []
    taken: set[tuple[int, str, tuple[str, ...]]] = set()
    for opening in openings:
        kinds = {(opening.port, name, opening.subnets) for name in opening.server_names or ("",)}
        if not kinds & taken:
            taken |= kinds
            found.append(opening)
    return tuple(found)


def table_name(server: Server) -> str:
    """Istio's name of the routes of a server that ends TLS."""
    namespace, _, name = server.gateway.partition("/")
    return f"https.{server.port}.{server.name}.{name}.{namespace}"
