"""What depends on the caller: route configurations, one for each kind of caller that a rule tells apart, and
which callers have listeners of their own.

Hosts whose rules ask for no caller are not here; so a mesh without such rules does nothing for them. Must not
know what a route is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from laneway.mesh.connections import named_callers
from laneway.mesh.layers import Layers
from laneway.mesh.registry import Registry
from laneway.mesh.resources import RDS, Audience, Layer, Resource
from laneway.mesh.rules import NOBODY, Caller, tells_apart, verdict
from laneway.mesh.tables import mesh_table
from laneway.mesh.visibility import Visibility
from laneway.mesh.world import Sidecar
from laneway.spec.istio import L4MatchAttributes
from laneway.spec.meta import Key


def caller_of(sidecar: Sidecar) -> Caller:
    """Who calls through a sidecar."""
    return Caller(sidecar.namespace, frozenset(sidecar.labels.items()))


def caller_layer(sidecar: Sidecar) -> Layer:
    """The layer that a sidecar shares with those of the same namespace and labels."""
    return Layer(Audience.CALLERS, caller_of(sidecar).name)


class CallerTables:
    """The tables of such hosts, kept up to date for all sidecars."""

    def __init__(self, registry: Registry, layers: Layers) -> None:
        self._registry = registry
        self._layers = layers
        self._callers: dict[Layer, tuple[Caller, Visibility | None]] = {}
        self._hosts: set[str] = set()

    def refresh(
        self, sidecars: Iterable[Sidecar], sight: Mapping[str, Visibility], stale: set[str]
    ) -> set[str]:
        """Take the sidecars as they are now; returns the hosts with other tables than before.

        sight: what they see, by id, where that is not everything; stale: hosts whose rules
        have changed, or the hosts that these name.
        """
        callers = {caller_layer(each): (caller_of(each), sight.get(each.id)) for each in sidecars}
        for layer in self._callers.keys() - callers.keys():
            self._layers.drop(layer)
        new = {layer for layer, caller in callers.items() if self._callers.get(layer) != caller}
        self._callers = callers
        asking = {name for name in stale if tells_apart(self._registry.rules_of(name))}
        unchanged = self._hosts - stale
        changed = {name for name in stale & (self._hosts | asking) if self._put(name, callers)}
        for name in unchanged:
            self._put(name, new)
        self._hosts = unchanged | asking
        return changed

    def _put(self, name: str, layers: Iterable[Layer]) -> bool:
        """Give these layers the host's tables, each kind built once; returns whether any is another now."""
        rules = self._registry.rules_of(name)
        built: dict[tuple[bool, ...], list[Resource]] = {(): []}
        changed = False
        for layer in layers:
            caller, sight = self._callers[layer]
            kind = verdict(rules, caller) if self._registry.visible(name, sight) else ()
            if kind not in built:
                table = mesh_table(name, self._registry, caller)
                built[kind] = [table] if table else []
            changed |= self._layers.replace(layer, RDS, name, built[kind])
        return changed


class ConnectionCallers:
    """The callers for whose connections some rules are: kept up to date rule by rule."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._matches: dict[Key, list[L4MatchAttributes]] = {}

    def refresh(self, stale: Iterable[Key]) -> None:
        """Take the VirtualServices that may be other now."""
        for key in stale:
            source = self._registry.virtual_service(key)
            self._matches.pop(key, None)
            if source and (matches := named_callers(source)):
                self._matches[key] = matches

    def of(self, sidecar: Sidecar) -> Caller:
        """Who calls through a sidecar; nobody in particular where no such rule is for it."""
        if not self._matches:
            return NOBODY
        caller = caller_of(sidecar)
        every = (match for matches in self._matches.values() for match in matches)
        return NOBODY if all(caller.fault(match) for match in every) else caller
