"""Istio objects, pods and proxies in; Envoy resources and what changed out.

Owns which input makes which resources stale. Pure: no I/O, no clock, not thread-safe. Must not know how
resources are sent, nor who has acknowledged them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from laneway.mesh.caller_addresses import CallerAddresses
from laneway.mesh.callers import CallerTables, ConnectionCallers, caller_layer
from laneway.mesh.clusters import clusters_of
from laneway.mesh.endpoints import assignments_of
from laneway.mesh.gateway_group import GatewayGroup, group_layer
from laneway.mesh.layers import Layers
from laneway.mesh.own import OWN_TYPES, Own, gateway_resources, sidecar_resources
from laneway.mesh.refusals import Refusal, refusals_of
from laneway.mesh.registry import MeshObject, Registry
from laneway.mesh.resources import CDS, EDS, RDS, SRDS, Audience, Changes, Layer, Resource
from laneway.mesh.rules import tells_apart
from laneway.mesh.stale import Stale
from laneway.mesh.tables import mesh_table, mesh_table_name, scope
from laneway.mesh.transparent import TransparentListeners, View
from laneway.mesh.visibility import Visibility
from laneway.mesh.visible_layers import ALL, SIDECARS, VisibleLayers
from laneway.mesh.world import GatewayProxy, Pod, Proxy, Sidecar
from laneway.spec.istio import VirtualService
from laneway.spec.kubernetes import Secret
from laneway.spec.meta import Key, Object
from laneway.spec.protocols import Protocol


class Translator:
    """The translation, kept up to date by increments.

    Inputs only mark what is stale; `take_changes` translates that much. So inputs that arrive together cost
    one translation, and `resources_for` shows the state of the last `take_changes`.
    """

    def __init__(self, access_log: str | None = "/dev/stdout") -> None:
        """access_log: file that every proxy appends Istio's access log lines to; None for no log."""
        self.registry = Registry()
        self._access_log = access_log
        self._layers = Layers()
        self._addresses = CallerAddresses(self.registry, self._layers, access_log)
        self._callers = CallerTables(self.registry, self._layers)
        self._connecting = ConnectionCallers(self.registry)
        self._visible = VisibleLayers(self.registry, self._layers)
        self._sight: dict[str, Visibility] = {}
        self._transparent = TransparentListeners(self.registry, self._layers, access_log)
        self._proxies: dict[str, Proxy] = {}
        self._stale_proxies: set[str] = set()
        self._spoken: dict[str, tuple[Protocol, ...]] = {}
        self._groups: dict[Layer, GatewayGroup] = {}
        self._touched: dict[tuple[str, Key], int] = {}
        self._generation = 0
        self._waiting = False
        self._namespaces: set[str] = set()

    def upsert(self, value: Object) -> tuple[Refusal, ...]:
        """Take an object of a kind that the mesh reads (`MeshObject`, Secret); others have no effect.

        Returns why it was refused; then what was known under its name stays in force.
        """
        if isinstance(value, Secret):
            self.registry.set_secret(value.key, value)
            self._waiting = True
        if not isinstance(value, MeshObject):
            return ()
        refusals = refusals_of(value)
        if not refusals and self.registry.upsert(value):
            self._touch(value.kind, value.key)
            self._waiting = True
        return refusals

    def delete(self, kind: str, key: Key) -> None:
        """Forget an object; one that is not known is no error."""
        if kind == "Secret":
            self.registry.set_secret(key, None)
            self._waiting = True
        if self.registry.delete(kind, key):
            self._touch(kind, key)
            self._waiting = True

    def set_pods(self, pods: Iterable[Pod]) -> None:
        """Replace the pods: all that exist, ready or not."""
        self._waiting |= self.registry.set_pods(pods)

    def set_proxies(self, proxies: Iterable[Proxy]) -> None:
        """Replace the proxies that are served."""
        new = {proxy.id: proxy for proxy in proxies}
        ids = self._proxies.keys() | new.keys()
        self._stale_proxies |= {name for name in ids if self._proxies.get(name) != new.get(name)}
        self._proxies = new
        self._waiting |= bool(self._stale_proxies)

    def set_passthrough(self, allowed: bool) -> None:
        """Whether sidecars let pass what the mesh does not know: ALLOW_ANY; at first not: REGISTRY_ONLY."""
        if self.registry.set_passthrough(allowed):
            self._stale_proxies |= self._proxies.keys()
            self._waiting = True

    @property
    def generation(self) -> int:
        """Number of the last batch of changes that was taken; 0 before the first."""
        return self._generation

    def take_changes(self) -> Changes:
        """Translate what is stale, and tell what became different. Without new input: no layers.

        A layer that a proxy gained by `set_proxies` appears in full when it is new, and not at all when other
        proxies had it before: answer a new proxy from `resources_for`.
        """
        if self._waiting:
            stale = self.registry.take_stale()
            self._find_sights(stale)
            self._connecting.refresh(stale.rules)
            self._translate_hosts(stale)
            self._translate_tables(stale)
            self._translate_gateways(stale)
            if stale.names:
                self._find_other_protocols()
            self._translate_proxies()
            sights = frozenset(sight for sight in self._sight.values() if sight.limited)
            self._visible.refresh(sights, stale)
            self._translate_destinations(stale)
            self._generation += 1
            self._waiting = False
        return Changes(self._generation, self._layers.take_changes())

    def layers_of(self, proxy_id: str) -> tuple[Layer, ...]:
        """The layers whose union a proxy serves. Raises KeyError for an unknown proxy."""
        proxy = self._proxies[proxy_id]
        own = Layer(Audience.PROXY, proxy.id)
        match proxy:
            case Sidecar():
                shared = own, caller_layer(proxy), *self._hosts_of(proxy)
                return (*shared, self._view(proxy).layer) if proxy.transparent else shared
            case GatewayProxy():
                return own, group_layer(proxy), ALL

    def _hosts_of(self, sidecar: Sidecar) -> tuple[Layer, ...]:
        """The layers of the hosts that a sidecar sees."""
        sight = self._sight.get(sidecar.id)
        if sight and sight.limited:
            return (sight.layer,)
        return Layer(Audience.NAMESPACE, sidecar.namespace), SIDECARS, ALL

    def resources_for(self, proxy_id: str) -> Mapping[str, Mapping[str, Resource]]:
        """By type URL and name, all that a proxy serves: a live view. Names are unique in it.

        Each of `TYPES` is present, also when empty: a wildcard subscription must be answered even with none,
        or the proxy's listeners never warm. Raises KeyError for an unknown proxy.
        """
        return self._layers.view(self.layers_of(proxy_id))

    def touched(self, kind: str, key: Key) -> int:
        """The generation in which the effect of an object last changed; the coming one until it is taken.

        A VirtualService's effect is its routes; that of a Service, ServiceEntry or DestinationRule includes
        the endpoints of its pods; a deleted object's effect is that it is gone. 0 for an object never seen.
        Every proxy that serves generation `touched(...)` or a later one serves the object as it is now.
        """
        return self._touched.get((kind, key), 0)

    def _touch(self, kind: str, key: Key) -> None:
        self._touched[kind, key] = self._generation + 1

    def _translate_hosts(self, stale: Stale) -> None:
        """Clusters and endpoints."""
        for name in stale.clusters | stale.endpoints:
            host = self.registry.host(name)
            if host is None:
                self._layers.replace(ALL, CDS, name, ())
                self._layers.replace(ALL, EDS, name, ())
                continue
            policy = self.registry.policy(host)
            changed = False
            if name in stale.clusters:
                changed = self._layers.replace(ALL, CDS, name, clusters_of(host, policy))
            endpoints = assignments_of(host, policy, self.registry.pods_of(name))
            if self._layers.replace(ALL, EDS, name, endpoints) or changed:
                self._touch(host.kind, host.key)
                for rule in policy.rules:
                    self._touch("DestinationRule", rule)

    def _translate_tables(self, stale: Stale) -> None:
        """Route configurations of sidecars, and the names that lead to them."""
        sidecars = (proxy for proxy in self._proxies.values() if isinstance(proxy, Sidecar))
        changed = self._callers.refresh(sidecars, self._sight, stale.routes)
        for name in stale.routes:
            rules = self.registry.rules_of(name)
            table = None if tells_apart(rules) else mesh_table(name, self.registry)
            if self._layers.replace(SIDECARS, RDS, name, [table] if table else []) or name in changed:
                self._touch_rules(rules)
        for name in stale.names:
            self._lead(SIDECARS, name, self.registry.target_of(name))
        for namespace, name in stale.short_names:
            if namespace in self._namespaces:
                self._lead_short(namespace, name)

    def _touch_rules(self, rules: VirtualService | None) -> None:
        if rules is not None:
            self._touch(rules.kind, rules.key)

    def _lead_short(self, namespace: str, name: str) -> None:
        target = self.registry.short_target_of(namespace, name)
        self._lead(Layer(Audience.NAMESPACE, namespace), name, target)

    def _lead(self, layer: Layer, name: str, target: str | None) -> None:
        found = [scope(name, mesh_table_name(target))] if target else []
        self._layers.replace(layer, SRDS, name, found)

    def _translate_gateways(self, stale: Stale) -> None:
        """Routes of gateways, once for all gateway proxies of the same labels and ports."""
        gateways = [proxy for proxy in self._proxies.values() if isinstance(proxy, GatewayProxy)]
        wanted = {group_layer(proxy): proxy for proxy in gateways}
        for layer in self._groups.keys() - wanted.keys():
            del self._groups[layer]
            self._layers.drop(layer)
        for layer, proxy in wanted.items():
            group = self._groups.setdefault(layer, GatewayGroup(proxy))
            openings = group.openings
            for rule in group.refresh(stale, self.registry, self._layers):
                self._touch("VirtualService", rule)
            if group.openings != openings:
                self._stale_proxies |= {found.id for found in gateways if group_layer(found) == layer}

    def _find_sights(self, stale: Stale) -> None:
        """Which hosts each sidecar sees, and whether it lets pass what it does not see."""
        if not (stale.sidecars or self._stale_proxies):
            return
        sidecars = [proxy for proxy in self._proxies.values() if isinstance(proxy, Sidecar)]
        before = {sidecar.id: self._allows(sidecar) for sidecar in sidecars}
        found = {each.id: self.registry.visibility(each.namespace, each.labels) for each in sidecars}
        self._sight = {name: sight for name, sight in found.items() if sight}
        self._stale_proxies |= {each.id for each in sidecars if self._allows(each) != before[each.id]}

    def _allows(self, sidecar: Sidecar) -> bool:
        return self.registry.allows(self._sight.get(sidecar.id))

    def _find_other_protocols(self) -> None:
        """A changed host may say that something else is spoken at the ports of the sidecars it selects."""
        for name, proxy in self._proxies.items():
            if isinstance(proxy, Sidecar) and self._spoken.get(name) != self.registry.protocols_of(proxy):
                self._stale_proxies.add(name)

    def _translate_proxies(self) -> None:
        """Listeners, inbound clusters, and the bare names of the namespaces that have sidecars."""
        for name in self._stale_proxies:
            own = self._own(self._proxies.get(name))
            for url in OWN_TYPES:
                self._layers.replace(Layer(Audience.PROXY, name), url, name, own.get(url, ()))
        self._stale_proxies.clear()
        self._spoken = {name: found for name, found in self._spoken.items() if name in self._proxies}
        served = {proxy.namespace for proxy in self._proxies.values() if isinstance(proxy, Sidecar)}
        for namespace in self._namespaces - served:
            self._layers.drop(Layer(Audience.NAMESPACE, namespace))
        for namespace in served - self._namespaces:
            for name in self.registry.short_names(namespace):
                self._lead_short(namespace, name)
        self._namespaces = served

    def _translate_destinations(self, stale: Stale) -> None:
        """Listeners of sidecars for the ports of hosts."""
        sidecars = [proxy for proxy in self._proxies.values() if isinstance(proxy, Sidecar)]
        self._addresses.refresh(sidecars, self._sight, stale.clusters | stale.routes)
        views = frozenset(self._view(sidecar) for sidecar in sidecars if sidecar.transparent)
        self._transparent.refresh(views, stale)

    def _view(self, sidecar: Sidecar) -> View:
        sight = self._sight.get(sidecar.id)
        limited = sight if sight and sight.limited else None
        return View(
            self._allows(sidecar), sidecar.passthrough is not None, limited, self._connecting.of(sidecar)
        )

    def _own(self, proxy: Proxy | None) -> Own:
        """What no other proxy has."""
        match proxy:
            case Sidecar():
                protocols = self._spoken[proxy.id] = self.registry.protocols_of(proxy)
                return sidecar_resources(proxy, protocols, self._allows(proxy), self._access_log)
            case GatewayProxy():
                return gateway_resources(proxy, self._groups[group_layer(proxy)], self._access_log)
            case None:
                return {}
