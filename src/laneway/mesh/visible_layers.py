"""The resources of callers that see some hosts only: the same ones that others have, in layers of their own.

A caller that sees a host also has the clusters that the host's rules send to, as in Istio, but not under
their own names. Must not know what is in a resource.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from laneway.mesh.layers import Layers
from laneway.mesh.registry import Registry
from laneway.mesh.resources import CDS, EDS, RDS, SRDS, Audience, Layer
from laneway.mesh.stale import Stale
from laneway.mesh.visibility import Visibility

ALL = Layer(Audience.ALL)
SIDECARS = Layer(Audience.SIDECARS)


class VisibleLayers:
    """All such layers, kept up to date after those that they take from."""

    def __init__(self, registry: Registry, layers: Layers) -> None:
        self._registry = registry
        self._layers = layers
        self._seen: dict[Visibility, _Seen] = {}

    def refresh(self, visibilities: frozenset[Visibility], stale: Stale) -> None:
        """Take the limited visibilities that callers have now, and what of hosts and rules is stale."""
        for gone in self._seen.keys() - visibilities:
            self._layers.drop(gone.layer)
            del self._seen[gone]
        hosts = stale.clusters | stale.endpoints | stale.routes
        for visibility in visibilities:
            if visibility in self._seen:
                self._update(visibility, hosts, stale.names, stale.short_names)
            else:
                self._seen[visibility] = _Seen()
                short_names = self._registry.short_names(visibility.namespace)
                shorts = ((visibility.namespace, name) for name in short_names)
                self._update(visibility, self._registry.targets(), self._registry.names(), shorts)

    def _update(
        self,
        visibility: Visibility,
        hosts: Iterable[str],
        names: Iterable[str],
        short_names: Iterable[tuple[str, str]],
    ) -> None:
        registry, seen = self._registry, self._seen[visibility]
        reached: set[str] = set()
        for host in hosts:
            visible = registry.visible(host, visibility)
            reached |= {host} | seen.put(host, registry.reached_from(host) if visible else frozenset())
            self._share(visibility, SIDECARS, RDS, host, visible)
        for host in reached:
            for url in (CDS, EDS):
                self._share(visibility, ALL, url, host, seen.reaches(host))
        for name in names:
            self._share(visibility, SIDECARS, SRDS, name, self._named(registry.target_of(name), visibility))
        for namespace, name in short_names:
            if namespace == visibility.namespace:
                target = registry.short_target_of(namespace, name)
                source = Layer(Audience.NAMESPACE, namespace)
                self._share(visibility, source, SRDS, name, self._named(target, visibility))

    def _named(self, target: str | None, visibility: Visibility) -> bool:
        return target is not None and self._registry.visible(target, visibility)

    def _share(self, visibility: Visibility, source: Layer, url: str, owner: str, shown: bool) -> None:
        found = self._layers.owned(source, url, owner) if shown else ()
        self._layers.replace(visibility.layer, url, owner, found)


class _Seen:
    """The hosts that are seen, and those that they reach: with how many reach each of these."""

    def __init__(self) -> None:
        self._reached: dict[str, frozenset[str]] = {}
        self._counts: Counter[str] = Counter()

    def put(self, host: str, reached: frozenset[str]) -> set[str]:
        """Take what a host reaches now, nothing if it is not seen; returns which are new or gone by that."""
        before = self._reached.pop(host, frozenset[str]())
        if reached:
            self._reached[host] = reached
        were = {name for name in before | reached if self._counts[name]}
        self._counts.update(reached)
        self._counts.subtract(before)
        self._counts += Counter()
        return {name for name in before | reached if (name in were) != self.reaches(name)}

    def reaches(self, host: str) -> bool:
        """Whether a host is seen, or reached by the rules of one."""
        return self._counts[host] > 0
