"""What an istiod serves a proxy, fetched over its ADS as that proxy. Must not know what the resources say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.calls.envoy_effects import unwrapped
from tests.lab.ads import CLUSTERS, ROUTES, Proxy, stream

from laneway.mesh.protos import enum, type_url

LISTENERS = type_url("envoy.config.listener.v3.Listener")
ENDPOINTS = type_url("envoy.config.endpoint.v3.ClusterLoadAssignment")
SERVING = tuple(enum("envoy.config.core.v3.HealthStatus", name) for name in ("UNKNOWN", "HEALTHY"))


@dataclass(frozen=True, slots=True)
class Served:
    """A proxy's configuration, by name. endpoints: addresses and ports, by cluster."""

    listeners: tuple[Any, ...]
    routes: dict[str, Any]
    endpoints: dict[str, frozenset[tuple[str, int]]]


async def served(istiod: str, proxy: Proxy) -> Served:
    """Everything that this proxy gets now. istiod: its plaintext address."""
    async with stream(istiod, proxy) as ads:
        clusters = [unwrapped(each) for each in await ads.ask(CLUSTERS)]
        names = sorted(_service(each) for each in clusters if each.type == each.EDS)
        found = [unwrapped(each) for each in await ads.ask(ENDPOINTS, names)] if names else []
        listeners = tuple(unwrapped(each) for each in await ads.ask(LISTENERS))
        wanted = sorted({each.rds.route_config_name for each in managers(listeners) if each.HasField("rds")})
        routes = [unwrapped(each) for each in await ads.ask(ROUTES, wanted)] if wanted else []
    by_service = {each.cluster_name: frozenset(_addresses(each)) for each in found}
    endpoints = {
        each.name: by_service.get(_service(each), frozenset(_addresses(each.load_assignment)))
        for each in clusters
    }
    return Served(listeners, {each.name: each for each in routes}, endpoints)


def managers(listeners: tuple[Any, ...]) -> Iterator[Any]:
    """Every HttpConnectionManager."""
    for listener in listeners:
        for chain in (*listener.filter_chains, listener.default_filter_chain):
            yield from managers_of(chain)


def managers_of(chain: Any) -> Iterator[Any]:
    """Those of one filter chain."""
    for each in chain.filters:
        if each.typed_config.type_url.endswith(".HttpConnectionManager"):
            yield unwrapped(each.typed_config)


def _service(cluster: Any) -> str:
    return str(cluster.eds_cluster_config.service_name or cluster.name)


def _addresses(assignment: Any) -> Iterator[tuple[str, int]]:
    """The endpoints that take requests."""
    for group in assignment.endpoints:
        for each in group.lb_endpoints:
            if each.health_status in SERVING:
                place = each.endpoint.address.socket_address
                yield place.address, place.port_value
