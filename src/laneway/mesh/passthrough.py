"""The way out to what the mesh does not know: Istio's outboundTrafficPolicy.

REGISTRY_ONLY: there is none; connections are closed, requests are a 502. ALLOW_ANY: connections go where they
were going, requests to the host that they name. A sidecar in a network without a way out leads both to the
gateway that has one: connections as tunnels (CONNECT), which name their destination.

Owns the clusters, routes and filters of that. Must not know which hosts the mesh knows.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from laneway.mesh.clusters import cluster_of
from laneway.mesh.conditions import AUTHORITY
from laneway.mesh.connection_pools import PROTOCOL_OPTIONS
from laneway.mesh.filter_chains import Chain, kept, listener
from laneway.mesh.listeners import Filters, inline_chain
from laneway.mesh.protos import any_of, message
from laneway.mesh.resources import Resource, resource
from laneway.mesh.tables import KNOWN, KNOWN_AS, scope
from laneway.mesh.tcp import tcp_chain
from laneway.mesh.world import Pipe, Sidecar

PASSTHROUGH = "PassthroughCluster"
BLACK_HOLE = "BlackHoleCluster"
ALLOW_ANY = "allow_any"
"""Names are Istio's."""
UNKNOWN = "*"
"""Scope of the requests to hosts that the mesh does not know: no host has this name."""
REQUESTED = "x-laneway-requested-host"
"""Carries the host that such a request names to its route, and no further."""
ORIGINAL_DESTINATION = "%DOWNSTREAM_LOCAL_ADDRESS%"
OWN = (
    r"(?i)(localhost|127\.[0-9.]*|0\.0\.0\.0|169\.254\.[0-9.]*"
    r"|\[(::1?|::ffff:127\.[0-9.]*|fe80:.*)\])(:[0-9]+)?"
)
"""Authorities that are the gateway's machine itself: to these it lets nothing through."""

_RESOLVER = {"name": "outside", "dns_lookup_family": "V4_ONLY"}
_FORWARD_PROXY = "envoy.filters.http.dynamic_forward_proxy"
_LEAD_OUT = f"""function envoy_on_request(request)
  if request:virtualHost():metadata():get("{KNOWN}") then return end
  local headers = request:headers()
  headers:replace("{REQUESTED}", headers:get("{AUTHORITY}"))
  headers:replace("{AUTHORITY}", "{UNKNOWN}")
  request:clearRouteCache()
end
"""


def way_out(transparent: bool) -> Filters:
    """The filters that lead a sidecar's requests to unknown hosts out."""
    lua = message("envoy.extensions.filters.http.lua.v3.Lua")()
    lua.default_source_code.inline_string = _LEAD_OUT
    found = [(KNOWN_AS, any_of(lua))]
    return found if transparent else [*found, (_FORWARD_PROXY, _forward_proxy())]


def otherwise(tunnel: bool, allowed: bool, access_log: str | None) -> Chain:
    """What happens to connections with an unknown destination. tunnel: they go to the gateway."""
    if not allowed:
        return tcp_chain(BLACK_HOLE, {BLACK_HOLE: 1}, access_log)
    return tcp_chain(PASSTHROUGH, {PASSTHROUGH: 1}, access_log, ORIGINAL_DESTINATION if tunnel else "")


def black_hole() -> Resource:
    """A cluster without endpoints: connections to it are closed."""
    cluster = cluster_of(BLACK_HOLE)
    cluster.type = cluster.STATIC
    return resource(BLACK_HOLE, cluster)


def passthrough_cluster(sidecar: Sidecar) -> Resource:
    """Where a sidecar sends what the mesh does not know."""
    if not sidecar.transparent:
        return _outside()
    cluster = cluster_of(PASSTHROUGH)
    _speak_as_clients(cluster)
    if sidecar.passthrough is None:
        cluster.type = cluster.ORIGINAL_DST
        cluster.lb_policy = cluster.CLUSTER_PROVIDED
    else:
        cluster.type = cluster.STATIC
        cluster.load_assignment.cluster_name = PASSTHROUGH
        endpoint = cluster.load_assignment.endpoints.add().lb_endpoints.add().endpoint
        endpoint.address.pipe.path = sidecar.passthrough.path
    return resource(PASSTHROUGH, cluster)


def transit_listener(transit: tuple[str, int], access_log: str | None) -> Resource:
    """Where a network without a way out redirects the connections that its sidecar opens itself.

    They go to hosts that the mesh knows outside: the gateway leads them there, also where nothing else may.
    """
    chain = tcp_chain(PASSTHROUGH, {PASSTHROUGH: 1}, access_log, ORIGINAL_DESTINATION)
    return kept("transit", transit, chain)


def passthrough_scope() -> Resource:
    """Leads requests for unknown hosts to `passthrough_table`."""
    return scope(UNKNOWN, ALLOW_ANY)


@cache
def passthrough_table() -> Resource:
    """The routes of requests for unknown hosts: they get back the host that they named."""
    table = message("envoy.config.route.v3.RouteConfiguration")(name=ALLOW_ANY)
    host = table.virtual_hosts.add(name=ALLOW_ANY, domains=["*"])
    per_route = message("envoy.extensions.filters.http.dynamic_forward_proxy.v3.PerRouteConfig")
    for route in _routes(host):
        route.route.host_rewrite_header = REQUESTED
        route.request_headers_to_remove.append(REQUESTED)
        route.typed_per_filter_config[_FORWARD_PROXY].CopyFrom(
            any_of(per_route(host_rewrite_header=REQUESTED))
        )
    return resource(ALLOW_ANY, table, [PASSTHROUGH])


def gateway_passthrough(pipe: Pipe, access_log: str | None) -> tuple[Resource, Resource]:
    """Listener and cluster of a gateway that sends what sidecars lead to this pipe straight out."""
    table = message("envoy.config.route.v3.RouteConfiguration")(name=ALLOW_ANY)
    host = table.virtual_hosts.add(name=ALLOW_ANY, domains=["*"])
    for kind in ("connect_matcher", "prefix"):
        route = host.routes.add(name="own")
        _match(route.match, kind)
        authority = route.match.headers.add(name=AUTHORITY).string_match.safe_regex
        authority.regex = OWN
        route.direct_response.status = 403
    _routes(host)
    chain = inline_chain("passthrough", table, access_log, PASSTHROUGH, [(_FORWARD_PROXY, _forward_proxy())])
    return listener("passthrough", pipe, [chain]), _outside()


def _routes(host: Any) -> list[Any]:
    """Adds routes to the outside: one for tunnels, one for requests."""
    found = []
    for kind in ("connect_matcher", "prefix"):
        route = host.routes.add(name=ALLOW_ANY)
        _match(route.match, kind)
        route.route.cluster = PASSTHROUGH
        route.route.timeout.SetInParent()
        if kind == "connect_matcher":
            route.route.upgrade_configs.add(upgrade_type="CONNECT").connect_config.SetInParent()
        found.append(route)
    return found


def _match(match: Any, kind: str) -> None:
    if kind == "prefix":
        match.prefix = "/"
    else:
        match.connect_matcher.SetInParent()


def _outside() -> Resource:
    """A cluster whose endpoint is the host that a request names."""
    cluster = cluster_of(PASSTHROUGH)
    name = "envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig"
    cluster.lb_policy = cluster.CLUSTER_PROVIDED
    cluster.cluster_type.name = "envoy.clusters.dynamic_forward_proxy"
    # Bytes pass as they are, TLS included: there is no certificate that Envoy would have to check.
    config = message(name)(dns_cache_config=_RESOLVER, allow_insecure_cluster_options=True)
    cluster.cluster_type.typed_config.CopyFrom(any_of(config))
    _speak_as_clients(cluster)
    return resource(PASSTHROUGH, cluster)


def _speak_as_clients(cluster: Any) -> None:
    """HTTP/1.1 or HTTP/2, as the request came."""
    options = message(PROTOCOL_OPTIONS)()
    options.use_downstream_protocol_config.http_protocol_options.SetInParent()
    options.use_downstream_protocol_config.http2_protocol_options.SetInParent()
    cluster.typed_extension_protocol_options[PROTOCOL_OPTIONS].CopyFrom(any_of(options))


def _forward_proxy() -> Any:
    name = "envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig"
    return any_of(message(name)(dns_cache_config=_RESOLVER))
