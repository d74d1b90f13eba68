"""What one istiod serves, as one stream shows it: markers, clusters, endpoints, and since which push.

Owns what is kept of a configuration: names, versions and markers. Pure. Must not know who asks, nor which
proxies there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from sys import intern
from typing import Any

from laneway.kubernetes.confirm.ads import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES, Response
from laneway.kubernetes.confirm.markers import scan
from laneway.kubernetes.confirm.syncz import counter_of
from laneway.mesh.protos import message

_HTTP = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_SERVING = {0, 1}
"""Health of endpoints that get requests: unknown, healthy."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A push of one istiod process, and when we learned of it, by our clock that only moves forward."""

    counter: int
    at: float


@dataclass(frozen=True, slots=True)
class _Read:
    digest: int
    found: frozenset[str]


class Witness:
    """What a stream has shown until now."""

    def __init__(self) -> None:
        self.markers: Mapping[str, Moment] = {}
        """Since when each marker has been served."""
        self.clusters: dict[str, Moment] = {}
        """Since when each cluster of a subset has been served."""
        self.endpoints: dict[str, int] = {}
        """How many endpoints get requests, by cluster, as far as subscribed to."""
        self.shown = False
        """The first routes have been shown, or there are none."""
        self._listeners: dict[str, _Read] = {}
        self._routes: dict[str, _Read] = {}

    @property
    def route_names(self) -> frozenset[str]:
        """The route configurations that the listeners name."""
        return frozenset().union(*(listener.found for listener in self._listeners.values()))

    def heard(self, response: Response, at: float) -> bool:
        """Take in a response. Whether anything here has changed."""
        moment = Moment(counter_of(response.nonce), at)
        match response.type_url:
            case url if url == ROUTES:
                return self._heard_routes(response, moment)
            case url if url == LISTENERS:
                return self._heard_listeners(response)
            case url if url == CLUSTERS:
                return self._heard_clusters(response, moment)
            case url if url == ENDPOINTS:
                return self._heard_endpoints(response)
        return False

    def _heard_routes(self, response: Response, moment: Moment) -> bool:
        first, self.shown = not self.shown, True
        if not (_take(self._routes, response, scan) or first):
            return False
        served = frozenset().union(*(read.found for read in self._routes.values()))
        self.markers = {marker: self.markers.get(marker, moment) for marker in served}
        return True

    def _heard_listeners(self, response: Response) -> bool:
        _take(self._listeners, response, _route_names)
        gone = self._routes.keys() - self.route_names
        for name in gone:
            del self._routes[name]
        first, self.shown = not self.shown, self.shown or not self.route_names
        return bool(gone) or first

    def _heard_clusters(self, response: Response, moment: Moment) -> bool:
        before = len(self.clusters)
        for name in response.removed:
            self.clusters.pop(name, None)
        after = len(self.clusters)
        for name in response.changed:
            if _of_a_subset(name):
                self.clusters.setdefault(intern(name), moment)
        return before != after or after != len(self.clusters)

    def _heard_endpoints(self, response: Response) -> bool:
        counts = {name: _endpoint_count(data) for name, data in response.changed.items()}
        changed = any(self.endpoints.get(name) != count for name, count in counts.items())
        self.endpoints.update(counts)
        return changed

    def forget_endpoints(self, names: Set[str]) -> None:
        """These are not subscribed to any more."""
        for name in names:
            self.endpoints.pop(name, None)


def _take(kept: dict[str, _Read], response: Response, read: Any) -> bool:
    """What was read from changed resources, in place of what was kept. Whether there is a difference."""
    before = {name: kept.get(name) for name in (*response.changed, *response.removed)}
    for name in response.removed:
        kept.pop(name, None)
    for name, data in response.changed.items():
        digest = hash(data)
        if (known := kept.get(name)) is None or known.digest != digest:
            kept[name] = _Read(digest, read(data))
    return any(_found(kept.get(name)) != _found(earlier) for name, earlier in before.items())


def _found(read: _Read | None) -> frozenset[str] | None:
    return None if read is None else read.found


def _route_names(data: bytes) -> frozenset[str]:
    listener = message("envoy.config.listener.v3.Listener").FromString(data)
    return frozenset(
        name
        for chain in (*listener.filter_chains, listener.default_filter_chain)
        for one in chain.filters
        if one.typed_config.type_url.endswith(_HTTP)
        and (name := message(_HTTP).FromString(one.typed_config.value).rds.route_config_name)
    )


def _of_a_subset(name: str) -> bool:
    parts = name.split("|")
    return len(parts) == 4 and parts[0] == "outbound" and bool(parts[2])


def _endpoint_count(data: bytes) -> int:
    assignment = message("envoy.config.endpoint.v3.ClusterLoadAssignment").FromString(data)
    return sum(
        endpoint.health_status in _SERVING
        for locality in assignment.endpoints
        for endpoint in locality.lb_endpoints
    )
