"""Listeners of a sidecar at addresses of its own, one for each host: for callers without a proxy setting.

The address alone says which host is meant: so whatever name a request carries, the host's rules decide it.
Must not know how tables and clusters come about.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from laneway.mesh.callers import caller_of
from laneway.mesh.connections import mesh_rules
from laneway.mesh.filter_chains import listener
from laneway.mesh.hosts import Host
from laneway.mesh.layers import Layers
from laneway.mesh.listeners import table_chain
from laneway.mesh.registry import Registry
from laneway.mesh.resources import LDS, RDS, Audience, Layer, Resource
from laneway.mesh.rules import NOBODY, verdict
from laneway.mesh.tables import port_table_name, port_tables
from laneway.mesh.tcp import rule_chain
from laneway.mesh.visibility import Visibility
from laneway.mesh.world import Sidecar


def addressed(
    host: Host, address: str, sidecar: Sidecar, registry: Registry, access_log: str | None
) -> Iterable[Resource]:
    """A sidecar's listeners for a host at this address: one for each of its ports, or what stands for it."""
    for port in host.ports:
        if port.protocol.http:
            table = port_table_name(host.name, port.number)
            chains = [table_chain("outbound", table, access_log)]
        else:
            chains = [
                rule_chain(rule, access_log)
                for rule in mesh_rules(host.name, port, registry, caller_of(sidecar))
            ]
        place = address, sidecar.moved_ports.get(port.number, port.number)
        yield listener(f"{address}_{port.number}", place, chains)


class CallerAddresses:
    """The listeners of all sidecars that have such addresses, and their tables, kept up to date."""

    def __init__(self, registry: Registry, layers: Layers, access_log: str | None) -> None:
        self._registry = registry
        self._layers = layers
        self._access_log = access_log
        self._given: dict[str, Mapping[str, str]] = {}

    def refresh(self, sidecars: Iterable[Sidecar], sight: Mapping[str, Visibility], stale: set[str]) -> None:
        """Take the sidecars as they are now.

        sight: what they see, by id, where that is not everything; stale: hosts that have changed, or whose
        rules have.
        """
        callers = {sidecar.id: sidecar for sidecar in sidecars if sidecar.addresses}
        given = {proxy: self._seen(sidecar, sight.get(proxy)) for proxy, sidecar in callers.items()}
        tables: dict[tuple[str, tuple[bool, ...]], list[Resource]] = {}
        for proxy in self._given.keys() | given.keys():
            before, after = self._given.get(proxy, {}), given.get(proxy, {})
            moved = {host for host in before.keys() | after.keys() if before.get(host) != after.get(host)}
            caller = caller_of(callers[proxy]) if proxy in callers else NOBODY
            for name in moved | (after.keys() & stale):
                kind = name, verdict(self._registry.rules_of(name), caller)
                if kind not in tables:
                    tables[kind] = port_tables(name, self._registry, caller)
                address = after.get(name)
                there = self._listeners(callers[proxy], name, address) if address else []
                layer = Layer(Audience.PROXY, proxy)
                self._layers.replace(layer, LDS, name, there)
                self._layers.replace(layer, RDS, name, tables[kind] if there else ())
        self._given = given

    def _seen(self, sidecar: Sidecar, sight: Visibility | None) -> Mapping[str, str]:
        """The addresses of the hosts that a sidecar sees."""
        if sight is None:
            return sidecar.addresses
        visible = self._registry.visible
        return {host: address for host, address in sidecar.addresses.items() if visible(host, sight)}

    def _listeners(self, sidecar: Sidecar, name: str, address: str) -> list[Resource]:
        host = self._registry.host(name)
        return list(addressed(host, address, sidecar, self._registry, self._access_log)) if host else []
