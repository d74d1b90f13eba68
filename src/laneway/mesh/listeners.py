"""Listeners: where proxies accept requests, and how they read them; with Istio's settings.

Must not know which routes and clusters there are, only how they are found.
"""

from __future__ import annotations

from typing import Any

from laneway.mesh.clusters import ads_source
from laneway.mesh.host_case import lower_case_filter
from laneway.mesh.names import inbound
from laneway.mesh.protos import any_of, enum, message
from laneway.mesh.resources import Resource, resource
from laneway.mesh.rules import AUTHORITY
from laneway.mesh.world import Inbound, Pipe, Sidecar
from laneway.spec.protocols import Protocol

SERVER = "istio-envoy"
"""What Istio's proxies say in the `server` header, except sidecars to their own application."""
ACCESS_LOG = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% '
    "%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "
    '"%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% '
    '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" '
    '"%REQ(X-REQUEST-ID)%" '
    '"%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% '
    "%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n"
)
"""Istio's default format of a line."""
NO_ROUTE = "NR"
"""Envoy's flag of a request for which there is no route."""


def outbound_listener(sidecar: Sidecar, access_log: str | None) -> Resource:
    """Where a sidecar takes its application's calls, as an HTTP proxy. An unknown host is a 502."""
    manager = _connection_manager("outbound", access_log)
    _scope_routes(manager)
    mapper = manager.local_reply_config.mappers.add()
    mapper.filter.response_flag_filter.flags.append(NO_ROUTE)
    mapper.status_code.value = 502
    return _listener(sidecar.outbound, manager, "OUTBOUND")


def inbound_listener(listener: Inbound, protocol: Protocol, access_log: str | None) -> Resource:
    """Where a sidecar takes its peers' requests to one port of its application, which speaks this protocol.

    Requests of gRPC-Web become gRPC here, as only the application's own sidecar knows the port's protocol.
    """
    manager = _connection_manager(f"inbound_{listener.container_port}", access_log)
    manager.server_name = SERVER
    manager.route_config.CopyFrom(_inbound_table(listener.container_port, protocol))
    if protocol is Protocol.GRPC_WEB:
        translation = message("envoy.extensions.filters.http.grpc_web.v3.GrpcWeb")()
        manager.http_filters.add(name="envoy.filters.http.grpc_web", typed_config=any_of(translation))
    return _listener(listener.listen, manager, "INBOUND", needs=inbound(listener.container_port))


def gateway_listener(
    port: int, address: tuple[str, int], table: str | None, access_log: str | None
) -> Resource:
    """Where a gateway takes requests to a server port. table: its route configuration; None: one by host."""
    manager = _connection_manager(f"gateway_{port}", access_log)
    manager.server_name = SERVER
    manager.use_remote_address.value = True
    if table is None:
        _scope_routes(manager)
    else:
        manager.rds.route_config_name = table
        manager.rds.config_source.CopyFrom(ads_source())
    return _listener(address, manager, "OUTBOUND")


def _name(address: tuple[str, int] | Pipe) -> str:
    return address.path if isinstance(address, Pipe) else f"{address[0]}_{address[1]}"


def _listener(address: tuple[str, int] | Pipe, manager: Any, direction: str, needs: str = "") -> Resource:
    name = _name(address)
    listener = message("envoy.config.listener.v3.Listener")(name=name)
    if isinstance(address, Pipe):
        listener.address.pipe.path = address.path
    else:
        listener.address.socket_address.address, listener.address.socket_address.port_value = address
    listener.traffic_direction = enum("envoy.config.core.v3.TrafficDirection", direction)
    router = message("envoy.extensions.filters.http.router.v3.Router")()
    manager.http_filters.add(name="envoy.filters.http.router", typed_config=any_of(router))
    network_filter = listener.filter_chains.add().filters.add(
        name="envoy.filters.network.http_connection_manager"
    )
    network_filter.typed_config.CopyFrom(any_of(manager))
    return resource(name, listener, [needs] if needs else [])


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
    if access_log is not None:
        log = message("envoy.extensions.access_loggers.file.v3.FileAccessLog")(path=access_log)
        log.log_format.text_format_source.inline_string = ACCESS_LOG
        manager.access_log.add(name="envoy.access_loggers.file", typed_config=any_of(log))
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
    host = table.virtual_hosts.add(name=f"inbound|http|{port}", domains=["*"])
    route = host.routes.add(name="default")
    route.match.prefix = "/"
    route.route.cluster = inbound(port)
    route.route.timeout.SetInParent()
    if protocol is not Protocol.GRPC:
        route.route.retry_policy.retry_on = "reset-before-request"
        route.route.retry_policy.num_retries.value = 2
    return table
