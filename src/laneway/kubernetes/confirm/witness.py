"""What one istiod serves, as one stream shows it: markers, clusters, endpoints, and since which push.

Owns what is kept of a configuration: names, versions and markers. Pure. Must not know who asks, nor which
proxies there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from sys import intern

from laneway.kubernetes.confirm.ads import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES, Response
from laneway.kubernetes.confirm.markers import scan
from laneway.kubernetes.confirm.syncz import NEVER, counter_of
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
class Served:
    """What route configurations show. markers: since when each is there. latest: the last routes shown."""

    markers: Mapping[str, Moment] = field(default_factory=dict)
    latest: Moment = Moment(NEVER, 0.0)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """count: those that get requests; counter: of the push that told."""

    count: int
    counter: int


@dataclass(frozen=True, slots=True)
class _Read:
    digest: int
    found: frozenset[str]


class Witness:
    """What a stream has shown until now."""

    def __init__(self) -> None:
        self.served = Served()
        self.clusters: dict[str, Moment] = {}
        """Since when each cluster that requests are sent to has been served."""
        self.shown = False
        """The first routes have been shown, or there are none."""
        self._endpoints: dict[str, Endpoints] = {}
        self._listeners: dict[str, _Read] = {}
        self._routes: dict[str, _Read] = {}

    @property
    def route_names(self) -> frozenset[str]:
        """The route configurations that the listeners name."""
        return frozenset().union(*(listener.found for listener in self._listeners.values()))

    def endpoints(self, name: str) -> int | None:
        """The endpoints of a cluster that are subscribed to; None for an unknown cluster.

        istiod has endpoints also for a subset that is not defined: all of the host's. So only what was told
        with the cluster, or later, is of the cluster.
        """
        since, known = self.clusters.get(name), self._endpoints.get(name)
        return known.count if since and known and known.counter >= since.counter else None

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
                return self._heard_endpoints(response, moment)
        return False

    def forget_endpoints(self, names: Set[str]) -> None:
        """Only these are subscribed to from now on."""
        for name in self._endpoints.keys() - names:
            del self._endpoints[name]

    def _heard_routes(self, response: Response, moment: Moment) -> bool:
        first, self.shown = not self.shown, True
        changed = _take(self._routes, response, scan)
        self._serve(moment)
        return changed or first

    def _serve(self, moment: Moment) -> None:
        there = frozenset().union(*(read.found for read in self._routes.values()))
        markers = self.served.markers
        if there != markers.keys():
            markers = {marker: markers.get(marker, moment) for marker in there}
        self.served = Served(markers, moment)

    def _heard_listeners(self, response: Response) -> bool:
        _take(self._listeners, response, _route_names)
        names = self.route_names
        gone = self._routes.keys() - names
        for name in gone:
            del self._routes[name]
        self._serve(self.served.latest)
        first, self.shown = not self.shown, self.shown or not names
        return bool(gone) or (first and self.shown)

    def _heard_clusters(self, response: Response, moment: Moment) -> bool:
        gone = [name for name in response.removed if self.clusters.pop(name, None)]
        new = [
            name for name in response.changed if name not in self.clusters and name.startswith("outbound|")
        ]
        self.clusters.update((intern(name), moment) for name in new)
        return bool(gone or new)

    def _heard_endpoints(self, response: Response, moment: Moment) -> bool:
        before = {name: self.endpoints(name) for name in response.changed}
        for name, data in response.changed.items():
            self._endpoints[name] = Endpoints(_serving(data), moment.counter)
        return any(self.endpoints(name) != count for name, count in before.items())


def _take(kept: dict[str, _Read], response: Response, read: Callable[[bytes], frozenset[str]]) -> bool:
    """What is read from changed resources, in place of what was kept. Whether there is a difference."""
    found = {name: kept[name].found for name in (*response.changed, *response.removed) if name in kept}
    for name in response.removed:
        kept.pop(name, None)
    for name, data in response.changed.items():
        digest = hash(data)
        if (known := kept.get(name)) is None or known.digest != digest:
            kept[name] = _Read(digest, read(data))
    return found != {name: kept[name].found for name in (*response.changed, *found) if name in kept}


def _route_names(data: bytes) -> frozenset[str]:
    listener = message("envoy.config.listener.v3.Listener").FromString(data)
    return frozenset(
        name
        for chain in (*listener.filter_chains, listener.default_filter_chain)
        for one in chain.filters
        if one.typed_config.type_url.endswith(_HTTP)
        and (name := message(_HTTP).FromString(one.typed_config.value).rds.route_config_name)
    )


def _serving(data: bytes) -> int:
    assignment = message("envoy.config.endpoint.v3.ClusterLoadAssignment").FromString(data)
    return sum(
        endpoint.health_status in _SERVING
        for locality in assignment.endpoints
        for endpoint in locality.lb_endpoints
    )
