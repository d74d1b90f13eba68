"""Listeners of a sidecar that gets every connection which its pod opens, as in a pod of Istio.

One takes them all and hands each to the listener of its original destination: `0.0.0.0_<port>` for the HTTP
ports of all hosts, where the request names its host; `<address>_<port>` for a TCP port of a host that has an
address. Owns which of these there are. Must not know how tables, clusters or proxies come about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from laneway.mesh.connections import ConnectionRule, mesh_rules
from laneway.mesh.filter_chains import Chain, listener, redirected
from laneway.mesh.hosts import Host, HostPort
from laneway.mesh.layers import Layers
from laneway.mesh.listeners import Filters, scoped_chain
from laneway.mesh.passthrough import BLACK_HOLE, otherwise, way_out
from laneway.mesh.registry import Registry
from laneway.mesh.resources import LDS, Audience, Layer, Resource
from laneway.mesh.rules import NOBODY, Caller
from laneway.mesh.stale import Stale
from laneway.mesh.tcp import rule_chain, tcp_chain
from laneway.mesh.visibility import Visibility
from laneway.mesh.world import Sidecar

ANY_ADDRESS = "0.0.0.0"
OUTBOUND = "virtualOutbound"
"""Istio's name."""

Place = tuple[str, int]
"""A destination of connections: an address and a port. ANY_ADDRESS: all without a listener of their own."""

HTTP: Place = (ANY_ADDRESS, 80)
"""Always HTTP, whatever hosts there are: so a request for an unknown host is answered, not cut."""


def places_of(host: Host) -> dict[Place, HostPort]:
    """Where connections to a host go; what is no HTTP and has no address is at every address, as in Istio."""
    return {
        (address, port.number): port
        for port in host.ports
        for address in (host.addresses if host.addresses and not port.protocol.http else [ANY_ADDRESS])
    }


class Destinations:
    """The places of all hosts, kept up to date one by one."""

    def __init__(self) -> None:
        self._hosts: dict[str, Host] = {}
        self._claims: dict[Place, dict[str, HostPort]] = defaultdict(dict)

    def put(self, name: str, host: Host | None) -> set[Place]:
        """Take a host as it is now, None if it is gone; returns the places that are other now."""
        old = self._hosts.pop(name, None)
        if host is not None:
            self._hosts[name] = host
        before, after = (places_of(each) if each else {} for each in (old, host))
        for place in before:
            del self._claims[place][name]
        for place, port in after.items():
            self._claims[place][name] = port
        return {place for place in before.keys() | after.keys() if before.get(place) != after.get(place)}

    def places(self) -> list[Place]:
        """The places that have hosts, and HTTP."""
        return list({HTTP, *(place for place, claims in self._claims.items() if claims)})

    def claims(self, place: Place) -> list[tuple[str, HostPort]]:
        """The hosts at a place, by full name, in this order."""
        return sorted(self._claims.get(place, {}).items())


def captured(
    place: Place,
    claims: Sequence[tuple[str, HostPort]],
    registry: Registry,
    unknown: Chain,
    filters: Filters,
    access_log: str | None,
    caller: Caller = NOBODY,
) -> Resource | None:
    """The listener of a place; None where none is needed. unknown: for connections to none of them.

    Requests find their host by name; TLS does by SNI where the place is every address; of other protocols
    only the first host counts, as nothing in a connection names one.
    """
    if not claims and place != HTTP:
        return None
    chains = [rule_chain(rule, access_log) for rule in _distinct(_rules(place, claims, registry, caller))]
    if place == HTTP or any(port.protocol.http for _, port in claims):
        chains = [chain for chain in chains if chain.server_names]
        unknown = scoped_chain(access_log, filters)
    name = f"{place[0]}_{place[1]}"
    if any(not (chain.server_names or chain.subnets) for chain in chains):
        return listener(name, place, chains, bind_to_port={"value": False})
    return listener(name, place, chains, unknown, bind_to_port={"value": False})


def _rules(
    place: Place, claims: Sequence[tuple[str, HostPort]], registry: Registry, caller: Caller
) -> Iterator[ConnectionRule]:
    for name, port in claims:
        for rule in () if port.protocol.http else mesh_rules(name, port, registry, caller):
            by_name = place[0] == ANY_ADDRESS and port.protocol.sni and not rule.server_names
            yield replace(rule, server_names=(name,)) if by_name else rule


def _distinct(rules: Iterable[ConnectionRule]) -> list[ConnectionRule]:
    """Of those that match the same the first: Envoy takes no two."""
    found: list[ConnectionRule] = []
    taken: set[object] = set()
    for rule in rules:
        kinds = {(name, rule.subnets) for name in rule.server_names or ("",)}
        if not kinds & taken:
            taken |= kinds
            found.append(rule)
    return found


def outbound_listener(sidecar: Sidecar, unknown: Chain, access_log: str | None) -> Resource:
    """Where a network redirects its pod's connections. unknown: for those to places without a listener.

    A connection to this listener itself would come here again and again.
    """
    own = tcp_chain(BLACK_HOLE, {BLACK_HOLE: 1}, access_log, port=sidecar.outbound[1])
    return redirected(OUTBOUND, sidecar.outbound, [own], unknown)


@dataclass(frozen=True, slots=True)
class View:
    """What the shared listeners of transparent sidecars depend on.

    allowed: what the mesh does not know may pass; tunnel: it does through a gateway; sight: which hosts they
    see, None for all; caller: whose rules for connections they follow, where some are for them alone.
    """

    allowed: bool
    tunnel: bool
    sight: Visibility | None = None
    caller: Caller = NOBODY

    @property
    def layer(self) -> Layer:
        """The layer that sidecars of this view share."""
        names = [name for name, given in (("allowed", self.allowed), ("tunnel", self.tunnel)) if given]
        names += [self.sight.layer.name] if self.sight else []
        names += [self.caller.name] if self.caller != NOBODY else []
        return Layer(Audience.TRANSPARENT, "-".join(names))


class TransparentListeners:
    """The shared listeners of all transparent sidecars, kept up to date."""

    def __init__(self, registry: Registry, layers: Layers, access_log: str | None) -> None:
        self._registry = registry
        self._layers = layers
        self._access_log = access_log
        self._destinations = Destinations()
        self._views: frozenset[View] = frozenset()

    def refresh(self, views: frozenset[View], stale: Stale) -> None:
        """Take the views that sidecars have now, and what of hosts and their rules is stale."""
        changed: set[Place] = set()
        for name in stale.clusters:
            changed |= self._destinations.put(name, self._registry.host(name))
        for name in stale.routes:
            host = self._registry.host(name)
            places = places_of(host) if host else {}
            changed |= {place for place, port in places.items() if not port.protocol.http}
        hosts = filter(None, map(self._registry.host, stale.clusters))
        moved = {place for host in hosts for place in places_of(host)}  # maybe to another namespace
        for view in self._views - views:
            self._layers.drop(view.layer)
        for view in views:
            limited = moved if view.sight else set()
            for place in changed | limited if view in self._views else self._destinations.places():
                self._put(view, place)
        self._views = views

    def _put(self, view: View, place: Place) -> None:
        unknown = otherwise(view.tunnel, view.allowed, self._access_log)
        filters = way_out(True) if view.allowed else ()
        visible = self._registry.visible
        claims = [claim for claim in self._destinations.claims(place) if visible(claim[0], view.sight)]
        found = captured(place, claims, self._registry, unknown, filters, self._access_log, view.caller)
        owner = f"{place[0]}_{place[1]}"
        self._layers.replace(view.layer, LDS, owner, [found] if found else [])
