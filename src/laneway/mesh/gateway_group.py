"""The routes that gateway proxies with the same labels and ports share.

Owns how they are cut: one table for each host, found by scope; or, where the host alone does not say which
rules are meant (two ports, or a wildcard host), one for each port. Must not know where ports are bound.
"""

from __future__ import annotations

from laneway.mesh.gateways import GatewayTable, Place, Server, servers_of
from laneway.mesh.layers import Layers
from laneway.mesh.openings import Opening, connection_openings, distinct, http_openings, table_name
from laneway.mesh.registry import Registry
from laneway.mesh.resources import RDS, SRDS, Audience, Layer
from laneway.mesh.rules import Caller
from laneway.mesh.stale import Stale
from laneway.mesh.tables import gateway_table, scope
from laneway.mesh.world import GatewayProxy
from laneway.spec.meta import Key


def group_layer(proxy: GatewayProxy) -> Layer:
    """The layer that a gateway proxy shares with its like."""
    labels = ",".join(f"{name}={value}" for name, value in sorted(proxy.labels.items()))
    ports = ",".join(str(port) for port in sorted(proxy.ports))
    return Layer(Audience.GATEWAY, f"{proxy.namespace};{labels}:{ports}")


class GatewayGroup:
    """One such group."""

    def __init__(self, proxy: GatewayProxy) -> None:
        """proxy: any of the group."""
        self._layer = group_layer(proxy)
        self._labels = proxy.labels
        self._caller = Caller(proxy.namespace, frozenset(proxy.labels.items()))
        self._namespace = proxy.namespace
        self._bound = frozenset(proxy.ports)
        self._servers: tuple[Server, ...] = ()
        self._table: GatewayTable | None = None
        self._exact = False
        self._encrypted: dict[str, GatewayTable] = {}
        self._requests: tuple[Opening, ...] = ()
        self._connections: tuple[Opening, ...] = ()

    @property
    def openings(self) -> tuple[Opening, ...]:
        """What its proxies listen for: on what their listeners depend."""
        return distinct((*self._requests, *self._connections))

    def refresh(self, stale: Stale, registry: Registry, layers: Layers) -> set[Key]:
        """Translate what is stale; returns the VirtualServices whose effect is another now."""
        new = self._table is None or stale.gateways
        places = self._update(stale, registry)
        exact = self._table is not None and self._table.exact
        if self._table and exact != self._exact:
            places |= self._table.places()
        self._exact = exact
        if new or places:
            plain = (
                [(port, self._table_name(port)) for port in sorted(self._table.ports)] if self._table else []
            )
            self._requests = tuple(http_openings(self._servers, plain, self._namespace, registry))
        changed = self._refresh_encrypted(new, stale, registry, layers)
        if new or stale.rules or stale.clusters:
            self._connections = tuple(connection_openings(self._servers, self._caller, registry))
        table = self._table
        if table is None or not places:
            return changed
        touched = {place for place in places if self._host_table(table, place, registry, layers)}
        for port in {port for port, _ in places}:
            if self._port_table(table, port, registry, layers):
                touched |= {place for place in places if place[0] == port}
        return changed | {source.key for place in touched for source in table.sources(place)}

    def _update(self, stale: Stale, registry: Registry) -> set[Place]:
        """Bring the table of rules up to date; returns the places whose rules may be other now."""
        if self._table is None or stale.gateways:
            old = self._table.places() if self._table else set()
            servers = servers_of(registry.gateways(), self._labels)
            self._servers = tuple(server for server in servers if server.port in self._bound)
            plain = tuple(server for server in self._servers if server.http and not server.tls)
            self._table = GatewayTable(plain, registry.virtual_services(), self._caller)
            return old | self._table.places() | {(port, "") for port in self._table.ports}
        return _follow(self._table, stale, registry)

    def _refresh_encrypted(self, new: bool, stale: Stale, registry: Registry, layers: Layers) -> set[Key]:
        """The tables of servers that end TLS: one for each, as each demands other things of its clients."""
        if new:
            served = {opening.table for opening in self.openings}
            named = {table_name(server): server for server in self._servers if server.http and server.tls}
            encrypted = {name: server for name, server in named.items() if name in served}
            for name in self._encrypted.keys() - encrypted.keys():
                layers.replace(self._layer, RDS, name, ())
            self._encrypted = {
                name: GatewayTable((server,), registry.virtual_services(), self._caller)
                for name, server in encrypted.items()
            }
        changed: set[Key] = set()
        for name, table in self._encrypted.items():
            places = _follow(table, stale, registry)
            if not (new or places):
                continue
            (port,) = table.ports
            value = gateway_table(name, table, port, table.hosts(port), registry)
            if layers.replace(self._layer, RDS, name, [value]):
                changed |= {source.key for place in places for source in table.sources(place)}
        return changed

    def _table_name(self, port: int) -> str | None:
        """Name of the one table of a port; None where each host has its own."""
        return None if self._table and self._table.exact else _port_table(port)

    def _host_table(self, table: GatewayTable, place: Place, registry: Registry, layers: Layers) -> bool:
        """The table of one host, where the listener finds it by the host's name."""
        port, host = place
        if not host:
            return False
        name = f"{_port_table(port)}/{host}"
        found = table.exact and table.sources(place)
        layers.replace(self._layer, SRDS, host, [scope(host, name)] if found else [])
        tables = [gateway_table(name, table, port, [host], registry)] if found else []
        return layers.replace(self._layer, RDS, host, tables)

    def _port_table(self, table: GatewayTable, port: int, registry: Registry, layers: Layers) -> bool:
        """The one table of a port, where the listener needs it."""
        name = _port_table(port)
        needed = port in table.ports and not table.exact
        tables = [gateway_table(name, table, port, table.hosts(port), registry)] if needed else []
        return layers.replace(self._layer, RDS, name, tables)


def _port_table(port: int) -> str:
    """Istio's name for the routes of a gateway's HTTP port."""
    return f"http.{port}"


def _follow(table: GatewayTable, stale: Stale, registry: Registry) -> set[Place]:
    """Take the rules that are stale; returns the places whose rules may be other now."""
    places: set[Place] = set()
    for key in stale.rules:
        source = registry.virtual_service(key)
        places |= table.put(source) if source else table.drop(key)
    return places
