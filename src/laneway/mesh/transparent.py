"""Listeners of a sidecar that gets every connection which its pod opens, as in a pod of Istio.

One takes them all and hands each to the listener of its original destination: `0.0.0.0_<port>` for the HTTP
ports of all hosts, where the request names its host; `<address>_<port>` for a TCP port of a host that has an
address. Owns which of these there are. Must not know how tables, clusters or proxies come about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from laneway.mesh.filter_chains import Chain, listener, redirected
from laneway.mesh.hosts import Host, HostPort
from laneway.mesh.layers import Layers
from laneway.mesh.listeners import Filters, scoped_chain
from laneway.mesh.names import outbound
from laneway.mesh.passthrough import BLACK_HOLE, otherwise, way_out
from laneway.mesh.resources import LDS, Audience, Layer, Resource
from laneway.mesh.tcp import tcp_chain
from laneway.mesh.world import Sidecar
from laneway.spec.protocols import Protocol

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
    claims: list[tuple[str, HostPort]],
    unknown: Chain,
    filters: Filters,
    access_log: str | None,
) -> Resource | None:
    """The listener of a place; None where none is needed. unknown: for connections to none of them.

    Requests find their host by name; TLS does by SNI where the place is every address; of other protocols
    only the first host counts, as nothing in a connection names one.
    """
    if not claims and place != HTTP:
        return None
    address, number = place
    named = [
        _tcp(name, port, access_log, (name,))
        for name, port in claims
        if address == ANY_ADDRESS and port.protocol in {Protocol.TLS, Protocol.HTTPS}
    ]
    plain = [(name, port) for name, port in claims if (name,) not in {chain.server_names for chain in named}]
    if place == HTTP or any(port.protocol.http for _, port in plain):
        unknown = scoped_chain(access_log, filters)
    elif plain:
        unknown = _tcp(*plain[0], access_log)
    return listener(f"{address}_{number}", place, named, unknown, bind_to_port={"value": False})


def _tcp(name: str, port: HostPort, access_log: str | None, server_names: tuple[str, ...] = ()) -> Chain:
    cluster = outbound(name, port.number)
    return tcp_chain(cluster, {cluster: 1}, access_log, server_names=server_names)


def outbound_listener(sidecar: Sidecar, unknown: Chain, access_log: str | None) -> Resource:
    """Where a network redirects its pod's connections. unknown: for those to places without a listener.

    A connection to this listener itself would come here again and again.
    """
    own = tcp_chain(BLACK_HOLE, {BLACK_HOLE: 1}, access_log, port=sidecar.outbound[1])
    return redirected(OUTBOUND, sidecar.outbound, [own], unknown)


@dataclass(frozen=True, slots=True)
class View:
    """What the shared listeners of transparent sidecars depend on.

    allowed: what the mesh does not know may pass; tunnel: it does through a gateway.
    """

    allowed: bool
    tunnel: bool

    @property
    def layer(self) -> Layer:
        """The layer that sidecars of this view share."""
        ways = [name for name, given in (("allowed", self.allowed), ("tunnel", self.tunnel)) if given]
        return Layer(Audience.TRANSPARENT, "-".join(ways))


class TransparentListeners:
    """The shared listeners of all transparent sidecars, kept up to date."""

    def __init__(self, layers: Layers, access_log: str | None) -> None:
        self._layers = layers
        self._access_log = access_log
        self._destinations = Destinations()
        self._views: frozenset[View] = frozenset()

    def refresh(self, views: frozenset[View], hosts: Mapping[str, Host | None]) -> None:
        """Take the views that sidecars have now, and hosts that changed; None for one that is gone."""
        changed: set[Place] = set()
        for name, host in hosts.items():
            changed |= self._destinations.put(name, host)
        for view in self._views - views:
            self._layers.drop(view.layer)
        for view in views:
            for place in changed if view in self._views else self._destinations.places():
                self._put(view, place)
        self._views = views

    def _put(self, view: View, place: Place) -> None:
        unknown = otherwise(view.tunnel, view.allowed, self._access_log)
        filters = way_out(True) if view.allowed else ()
        found = captured(place, self._destinations.claims(place), unknown, filters, self._access_log)
        owner = f"{place[0]}_{place[1]}"
        self._layers.replace(view.layer, LDS, owner, [found] if found else [])
