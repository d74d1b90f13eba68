"""The routes that gateway proxies with the same labels and ports share.

Owns how they are cut: one table for each host, found by scope; or, where the host alone does not say which
rules are meant (two ports, or a wildcard host), one for each port. Must not know where ports are bound.
"""

from __future__ import annotations

from laneway.mesh.gateways import GatewayTable, Place, servers_of
from laneway.mesh.layers import Layers
from laneway.mesh.names import is_wildcard
from laneway.mesh.registry import Registry, Stale
from laneway.mesh.resources import RDS, SRDS, Audience, Layer
from laneway.mesh.rules import Caller
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
        self._bound = frozenset(proxy.ports)
        self._table: GatewayTable | None = None

    @property
    def ports(self) -> frozenset[int]:
        """The bound ports that a Gateway has a server for."""
        return self._table.ports if self._table else frozenset()

    @property
    def shape(self) -> tuple[frozenset[int], bool]:
        """What the listeners of its proxies depend on."""
        return self.ports, self._table is not None and self._table.exact

    def table_name(self, port: int) -> str | None:
        """Name of the one table of a port; None where each host has its own."""
        return None if self._table and self._table.exact else _port_table(port)

    def refresh(self, stale: Stale, registry: Registry, layers: Layers) -> set[Key]:
        """Translate what is stale; returns the VirtualServices whose effect is another now."""
        places = self._update(stale, registry)
        table = self._table
        if table is None or not places:
            return set()
        changed = {place for place in places if self._host_table(table, place, registry, layers)}
        for port in {port for port, _ in places}:
            if self._port_table(table, port, registry, layers):
                changed |= {place for place in places if place[0] == port}
        return {source.key for place in changed for source in table.sources(place)}

    def _update(self, stale: Stale, registry: Registry) -> set[Place]:
        """Bring the table of rules up to date; returns the places whose rules may be other now."""
        if self._table is None or stale.gateways:
            old = self._table.places() if self._table else set()
            servers = servers_of(registry.gateways(), self._labels)
            bound = tuple(server for server in servers if server.port in self._bound)
            self._table = GatewayTable(bound, registry.virtual_services(), self._caller)
            return old | self._table.places() | {(port, "") for port in self.ports}
        places: set[Place] = set()
        for key in stale.rules:
            source = registry.virtual_service(key)
            places |= self._table.put(source) if source else self._table.drop(key)
        return places

    def _host_table(self, table: GatewayTable, place: Place, registry: Registry, layers: Layers) -> bool:
        """The table of one host on the first port.

        It is kept even while the listener uses a table for each port, so that requests on a listener that is
        about to be replaced still find their routes.
        """
        port, host = place
        if not host or is_wildcard(host) or port != min(table.ports, default=port):
            return False
        name = f"{_port_table(port)}/{host}"
        found = table.sources(place)
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
