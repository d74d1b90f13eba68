"""Resources by layer and type, with what changed since it was last taken. Must not know what they are for."""

from __future__ import annotations

from collections import ChainMap, defaultdict
from collections.abc import Iterable, Mapping

from laneway.mesh.resources import TYPES, Delta, Layer, Resource

_Place = tuple[Layer, str]


class Layers:
    """Resources, each given by an owner: a string of the caller's own, like a host."""

    def __init__(self) -> None:
        self._resources: dict[_Place, dict[str, Resource]] = defaultdict(dict)
        self._owned: dict[tuple[Layer, str, str], frozenset[str]] = {}
        self._before: dict[_Place, dict[str, str | None]] = defaultdict(dict)

    def replace(self, layer: Layer, type_url: str, owner: str, resources: Iterable[Resource]) -> bool:
        """Let the owner give exactly these resources of a type; returns whether any is other than before."""
        place, new = (layer, type_url), {resource.name: resource for resource in resources}
        current = self._resources[place]
        old = self._owned.pop((layer, type_url, owner), frozenset())
        changed = {name for name, found in new.items() if current.get(name) != found}
        gone = old - new.keys()
        before = self._before[place]
        for name in changed | gone:
            known = current.pop(name, None)
            before.setdefault(name, known.version if known else None)
        current.update((name, new[name]) for name in changed)
        if new:
            self._owned[layer, type_url, owner] = frozenset(new)
        return bool(changed or gone)

    def owned(self, layer: Layer, type_url: str, owner: str) -> list[Resource]:
        """What an owner gives of a type in a layer."""
        resources = self._resources[layer, type_url]
        return [resources[name] for name in self._owned.get((layer, type_url, owner), ())]

    def owners(self, layer: Layer, type_url: str) -> list[str]:
        """Who gives resources of a type in a layer."""
        return [owner for found, url, owner in self._owned if (found, url) == (layer, type_url)]

    def drop(self, layer: Layer) -> None:
        """Remove a layer with all that is in it."""
        for found, type_url, owner in list(self._owned):
            if found == layer:
                self.replace(layer, type_url, owner, ())

    def take_changes(self) -> Mapping[Layer, Mapping[str, Delta]]:
        """What differs from the state when it was last taken. What changed and changed back does not."""
        changes: dict[Layer, dict[str, Delta]] = defaultdict(dict)
        for (layer, type_url), before in self._before.items():
            current = self._resources[layer, type_url]
            delta = Delta(
                frozenset(
                    name for name, was in before.items() if name in current and current[name].version != was
                ),
                frozenset(name for name, was in before.items() if was is not None and name not in current),
            )
            if delta.changed or delta.removed:
                changes[layer][type_url] = delta
        self._before.clear()
        return changes

    def view(self, layers: Iterable[Layer]) -> Mapping[str, Mapping[str, Resource]]:
        """By type URL, the union of the layers as it is now and will be."""
        found = tuple(layers)
        return {url: ChainMap(*(self._resources[layer, url] for layer in found)) for url in TYPES}
