"""The rules of VirtualServices for connections: what one must be, and which clusters it goes to.

A connection names no more than its destination and, with TLS, a server name. Must not know listeners.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from laneway.mesh.hosts import HostPort
from laneway.mesh.names import gateways_of, outbound
from laneway.mesh.registry import Registry
from laneway.mesh.rules import NOBODY, Caller, Site, only_port
from laneway.spec.istio import L4MatchAttributes, RouteDestination, TLSMatchAttributes, VirtualService
from laneway.spec.naming import MESH, full_gateway, full_host


@dataclass(frozen=True, slots=True)
class ConnectionRule:
    """One match block. server_names, subnets: of the connection, none for any; clusters: with weights."""

    server_names: tuple[str, ...]
    subnets: tuple[str, ...]
    clusters: tuple[tuple[str, int], ...]

    @property
    def where(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What it matches."""
        return self.server_names, self.subnets


def connection_rules(
    source: VirtualService, site: Site, registry: Registry, tls: bool
) -> tuple[ConnectionRule, ...]:
    """The rules of a VirtualService at a place. tls: for connections whose server name can be read."""
    found: dict[object, ConnectionRule] = {}
    for rule in _rules(source, site, registry, tls):
        found.setdefault(rule.where, rule)
    return tuple(found.values())


def mesh_rules(
    name: str, port: HostPort, registry: Registry, caller: Caller = NOBODY
) -> tuple[ConnectionRule, ...]:
    """The rules of a port of a mesh host at a caller's sidecar; the last is for all other connections."""
    source, site = registry.rules_of(name), Site(frozenset({MESH}), port.number, caller)
    found = connection_rules(source, site, registry, port.protocol.sni) if source else ()
    last = ConnectionRule((), (), ((outbound(name, port.number), 1),))
    return found if any(rule.where == last.where for rule in found) else (*found, last)


def _rules(source: VirtualService, site: Site, registry: Registry, tls: bool) -> Iterator[ConnectionRule]:
    namespace = source.metadata.namespace
    blocks: list[tuple[Sequence[L4MatchAttributes], Sequence[RouteDestination]]] = []
    if tls:
        blocks += [(rule.match, rule.route) for rule in source.spec.tls]
    blocks += [(rule.match or [L4MatchAttributes()], rule.route) for rule in source.spec.tcp]
    for matches, route in blocks:
        clusters = _clusters(route, namespace, site, registry)
        for match in matches:
            if _holds(source, match, site):
                names = match.sni_hosts if isinstance(match, TLSMatchAttributes) else ()
                lower = tuple(name.lower() for name in names)
                yield ConnectionRule(lower, tuple(match.destination_subnets), clusters)


def _holds(source: VirtualService, match: L4MatchAttributes, site: Site) -> bool:
    namespace = source.metadata.namespace
    bound = gateways_of(source)
    if match.gateways:
        bound &= {full_gateway(name, namespace) for name in match.gateways}
    here = match.port in {None, site.port} and not bound.isdisjoint(site.gateways)
    return here and not site.caller.fault(match)


def named_callers(source: VirtualService) -> list[L4MatchAttributes]:
    """The match blocks for connections of certain callers, where it is for sidecars."""
    if MESH not in gateways_of(source):
        return []
    matches: list[L4MatchAttributes] = [match for tls in source.spec.tls for match in tls.match]
    matches += [match for tcp in source.spec.tcp for match in tcp.match]
    return [match for match in matches if match.source_labels or match.source_namespace]


def _clusters(
    route: Sequence[RouteDestination], namespace: str, site: Site, registry: Registry
) -> tuple[tuple[str, int], ...]:
    """One destination takes all; of several, those of weight 0 drop out."""
    found: dict[str, int] = {}
    for share in route:
        host = full_host(share.destination.host, namespace)
        selector = share.destination.port
        port = selector.number if selector else only_port(registry, host, site.port)
        name = outbound(host, port, share.destination.subset or "")
        found[name] = found.get(name, 0) + (share.weight if len(route) > 1 else 1)
    return tuple((name, weight) for name, weight in found.items() if weight)
