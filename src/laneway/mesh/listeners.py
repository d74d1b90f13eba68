"""Listeners: where proxies accept requests, and how they read them; with Istio's settings.

Must not know which routes and clusters there are, only how they are found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from laneway.mesh.access_log import access_loggers
from laneway.mesh.clusters import ads_source
from laneway.mesh.conditions import AUTHORITY
from laneway.mesh.cors import CORS
from laneway.mesh.delivery import UNDELIVERED, tell_undelivered
from laneway.mesh.faults import FAULT
from laneway.mesh.filter_chains import Address, Chain, listener
from laneway.mesh.host_case import lower_case_filter
from laneway.mesh.names import inbound
from laneway.mesh.openings import Opening
from laneway.mesh.protos import any_of, message
from laneway.mesh.resources import Resource
from laneway.mesh.tcp import tcp_chain
from laneway.mesh.termination import transport_socket
from laneway.mesh.world import Inbound, Pipe, Sidecar
from laneway.spec.protocols import Protocol

SERVER = "istio-envoy"
"""What Istio's proxies say in the `server` header, except sidecars to their own application."""
Filters = Sequence[tuple[str, Any]]
"""HTTP filters before the router, by name, as google.protobuf.Any."""
LAST_FILTERS = {
    FAULT: "envoy.extensions.filters.http.fault.v3.HTTPFault",
    CORS: "envoy.extensions.filters.http.cors.v3.Cors",
    # Counts how gRPC calls end, by cluster; what fault injection answers does not come so far.
    "envoy.filters.http.grpc_stats": "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig",
    "envoy.filters.http.router": "envoy.extensions.filters.http.router.v3.Router",
}
"""The HTTP filters that end every chain, in Istio's order: what the first ones do, a route says."""
NO_ROUTE = "NR"
"""Envoy's flag of a request for which there is no route."""


def outbound_listener(sidecar: Sidecar, access_log: str | None, way_out: Filters) -> Resource:
    """Where a sidecar takes its application's calls, as an HTTP proxy."""
    return listener(_name(sidecar.outbound), sidecar.outbound, [scoped_chain(access_log, way_out)])


def scoped_chain(access_log: str | None, way_out: Filters) -> Chain:
    """Requests whose tables are found by the host that they name.

    way_out: what takes care of those to hosts that the mesh does not know. The rest of them are a 502.
    """
    manager = _connection_manager("outbound", access_log)
    _scope_routes(manager)
    if way_out:
        manager.upgrade_configs.add(upgrade_type="CONNECT")
    for name, config in way_out:
        manager.http_filters.add(name=name, typed_config=config)
    mapper = manager.local_reply_config.mappers.add()
    mapper.filter.response_flag_filter.flags.append(NO_ROUTE)
    mapper.status_code.value = 502
    return _http(manager)


def table_chain(stat_prefix: str, table: str, access_log: str | None) -> Chain:
    """Requests that this route configuration decides, whatever host they name."""
    manager = _connection_manager(stat_prefix, access_log)
    manager.rds.route_config_name = table
    manager.rds.config_source.CopyFrom(ads_source())
    return _http(manager)


def inline_chain(
    stat_prefix: str, table: Any, access_log: str | None, cluster: str, filters: Filters = ()
) -> Chain:
    """Requests and tunnels that a route configuration decides which stands in the listener itself."""
    manager = _connection_manager(stat_prefix, access_log)
    manager.route_config.CopyFrom(table)
    manager.upgrade_configs.add(upgrade_type="CONNECT")
    for name, config in filters:
        manager.http_filters.add(name=name, typed_config=config)
    return _http(manager, cluster)


def inbound_listener(inlet: Inbound, protocol: Protocol, access_log: str | None) -> Resource:
    """Where a sidecar takes its peers' requests to one port of its application, which speaks this protocol.

    Requests of gRPC-Web become gRPC here, as only the application's own sidecar knows the port's protocol.
    """
    if not protocol.http:
        chain = tcp_chain(f"inbound_{inlet.container_port}", {inbound(inlet.container_port): 1}, access_log)
        return listener(_name(inlet.listen), inlet.listen, [chain], direction="INBOUND")
    manager = _connection_manager(f"inbound_{inlet.container_port}", access_log)
    manager.server_name = SERVER
    tell_undelivered(manager)
    manager.route_config.CopyFrom(_inbound_table(inlet.container_port, protocol))
    if protocol is Protocol.GRPC_WEB:
        translation = message("envoy.extensions.filters.http.grpc_web.v3.GrpcWeb")()
        manager.http_filters.add(name="envoy.filters.http.grpc_web", typed_config=any_of(translation))
    chain = _http(manager, inbound(inlet.container_port))
    return listener(_name(inlet.listen), inlet.listen, [chain], direction="INBOUND")


def gateway_listener(
    address: tuple[str, int] | Pipe, openings: Sequence[Opening], access_log: str | None
) -> Resource:
    """Where a gateway takes what comes to a server port."""
    return listener(_name(address), address, [_gateway_chain(opening, access_log) for opening in openings])


def _gateway_chain(opening: Opening, access_log: str | None) -> Chain:
    if opening.clusters:
        prefix = "gateway_" + str(opening.port)
        chain = tcp_chain(prefix, dict(opening.clusters), access_log, subnets=opening.subnets)
    else:
        chain = _gateway_requests(opening, access_log)
    tls = transport_socket(opening.tls) if opening.tls else None
    return replace(chain, server_names=opening.server_names, tls=tls)


def _gateway_requests(opening: Opening, access_log: str | None) -> Chain:
    manager = _connection_manager(f"gateway_{opening.port}", access_log)
    manager.server_name = SERVER
    manager.use_remote_address.value = True
    if opening.table is None:
        _scope_routes(manager)
    else:
        manager.rds.route_config_name = opening.table
        manager.rds.config_source.CopyFrom(ads_source())
    return _http(manager)


def _name(address: Address) -> str:
    return address.path if isinstance(address, Pipe) else f"{address[0]}_{address[1]}"


def _http(manager: Any, *needs: str) -> Chain:
    """The connection manager as the end of a chain, the router as its last filter."""
    for name, kind in LAST_FILTERS.items():
        manager.http_filters.add(name=name, typed_config=any_of(message(kind)()))
    asks = manager.WhichOneof("route_specifier") != "route_config"
    return Chain("envoy.filters.network.http_connection_manager", manager, frozenset(needs), asks=asks)


def _connection_manager(stat_prefix: str, access_log: str | None) -> Any:
    """stat_prefix: the same in all proxies, so that their counts add up."""
    name = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    manager = message(name)(stat_prefix=stat_prefix)
    manager.normalize_path.value = True
    manager.use_remote_address.value = False
    manager.proxy_100_continue = True
    # No limit on a stream that is silent for long: Envoy's default of five minutes would cut long polls.
    manager.stream_idle_timeout.SetInParent()
    manager.upgrade_configs.add(upgrade_type="websocket")
    manager.access_log.extend(access_loggers(access_log))
    return manager


def _scope_routes(manager: Any) -> None:
    """Find the table by the host that a request names, without its port: so that one can change alone."""
    scoped = manager.scoped_routes
    scoped.name = "hosts"
    extractor = scoped.scope_key_builder.fragments.add().header_value_extractor
    extractor.name, extractor.element_separator, extractor.index = AUTHORITY, ":", 0
    scoped.rds_config_source.CopyFrom(ads_source())
    scoped.scoped_rds.scoped_rds_config_source.CopyFrom(ads_source())
    manager.http_filters.add(name="envoy.filters.http.match_delegate", typed_config=lower_case_filter())


def _inbound_table(port: int, protocol: Protocol) -> Any:
    """All requests go to the application, without a limit of time.

    Two retries where it took none of it; not for gRPC, whose clients do that by themselves.
    """
    table = message("envoy.config.route.v3.RouteConfiguration")(name=inbound(port))
    table.validate_clusters.value = False
    table.response_headers_to_remove.append(UNDELIVERED)
    host = table.virtual_hosts.add(name=f"inbound|http|{port}", domains=["*"])
    route = host.routes.add(name="default")
    route.match.prefix = "/"
    route.route.cluster = inbound(port)
    route.route.timeout.SetInParent()
    if protocol is not Protocol.GRPC:
        route.route.retry_policy.retry_on = "reset-before-request"
        route.route.retry_policy.num_retries.value = 2
    return table
