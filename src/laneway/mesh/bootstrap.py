"""What an Envoy is started with: who it is, where its control plane and its admin interface are. Pure.

All else comes over xDS. Must not know how the process is run. Fields: envoy.config.bootstrap.v3.Bootstrap, as
JSON.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from laneway.mesh.sockets import socket_path
from laneway.mesh.wire import PROXY_ID
from laneway.mesh.world import GatewayProxy, Pipe, Proxy, Sidecar
from laneway.spec.naming import DOMAIN
from laneway.spec.values import LATENCY_EDGES_MS

CONTROL_PLANE = "xds-grpc"
"""Name of the cluster that leads to the control plane."""
RECONNECT = {"base_interval": "0.05s", "max_interval": "1s"}
"""Envoy's default would leave a proxy alone for up to 30 s after the control plane is back."""
RE2_PROGRAM_SIZE_MAX = 32_768
"""Istio's limit for a regular expression in a rule; Envoy's default of 100 refuses many."""
STATS = (
    {"suffix": ".upstream_rq_active"},
    {"suffix": ".upstream_rq_total"},
    {"suffix": ".upstream_rq_retry"},
    {"suffix": ".upstream_cx_active"},
    {"suffix": ".downstream_rq_active"},
    {
        "safe_regex": {
            "regex": r"cluster\.outbound\|[0-9]+\|[^|]+\|.*\.upstream_rq_(completed|time|[0-9]+|5xx)"
        }
    },
    {"safe_regex": {"regex": r"cluster\.outbound\|[0-9]+\|[^|]+\|.*\.grpc\.[0-9]+"}},
    {"safe_regex": {"regex": r"tcp\.inbound_[0-9]+\.downstream_cx_total"}},
    {"prefix": "listener_manager."},
    {"exact": "server.live"},
)
"""The statistics that anybody reads. Each cluster has a hundred more, which cost memory."""

BUCKETS = {"match": {"suffix": ".upstream_rq_time"}, "buckets": list(LATENCY_EDGES_MS)}
FLUSH = "1s"
"""How often histograms are brought up to date."""
OWN_PRIORITY = 6
"""Of the connections that a sidecar opens itself; the highest that takes no privilege."""
CONNECTIONS_MAX = 50_000
"""More are refused. Without a limit Envoy warns at every start."""

_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def bootstrap(proxy: Proxy, xds: Path, admin: Path) -> dict[str, Any]:
    """The bootstrap of a proxy. xds, admin: paths of Unix sockets; raises ValueError for one too long.

    The control plane knows the proxy by `PROXY_ID` in the node's metadata; the node's id is written as Istio
    does.
    """
    return {
        "node": _node(proxy),
        "admin": {"address": {"pipe": {"path": socket_path(admin)}}},
        "dynamic_resources": _dynamic_resources(),
        "static_resources": {"clusters": [_control_plane(xds)]},
        "cluster_manager": {"enable_deferred_cluster_creation": True} | _known_connections(proxy),
        "layered_runtime": {"layers": [_runtime(), {"name": "admin", "admin_layer": {}}]},
        "overload_manager": {"resource_monitors": [_connection_limit()]},
        "stats_config": {
            "stats_matcher": {"inclusion_list": {"patterns": list(STATS)}},
            "histogram_bucket_settings": [
                {"match": {"suffix": ".upstream_rq_time"}, "buckets": list(LATENCY_EDGES_MS)}
            ],
        },
        "stats_flush_interval": FLUSH,
    }


def _known_connections(proxy: Proxy) -> dict[str, Any]:
    """Marks the connections that a sidecar opens itself: its network tells them from its application's.

    By their priority (SO_PRIORITY of socket(7)): the one mark that takes no privilege and any socket has.
    """
    if not (isinstance(proxy, Sidecar) and proxy.transit):
        return {}
    option = {"level": socket.SOL_SOCKET, "name": socket.SO_PRIORITY, "int_value": OWN_PRIORITY}
    return {"upstream_bind_config": {"socket_options": [option]}}


def _node(proxy: Proxy) -> dict[str, Any]:
    name = proxy.id.rpartition("/")[2]
    return {
        "id": f"{_role(proxy)}~{_address(proxy)}~{name}.{proxy.namespace}~{proxy.namespace}.{DOMAIN}",
        "cluster": f"{proxy.labels.get('app', name)}.{proxy.namespace}",
        "metadata": {PROXY_ID: proxy.id, "NAMESPACE": proxy.namespace, "LABELS": dict(proxy.labels)},
    }


def _role(proxy: Proxy) -> str:
    return "sidecar" if isinstance(proxy, Sidecar) else "router"


def _address(proxy: Proxy) -> str:
    match proxy:
        case Sidecar():
            return proxy.outbound[0]
        case GatewayProxy():
            return next((at[0] for at in proxy.ports.values() if not isinstance(at, Pipe)), "0.0.0.0")


def _dynamic_resources() -> dict[str, Any]:
    service = {"cluster_name": CONTROL_PLANE, "retry_policy": {"retry_back_off": RECONNECT}}
    over_ads = {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"}
    return {
        "ads_config": {
            "api_type": "DELTA_GRPC",
            "transport_api_version": "V3",
            "set_node_on_first_message_only": True,
            "grpc_services": [{"envoy_grpc": service}],
        },
        "cds_config": over_ads,
        "lds_config": over_ads,
    }


def _control_plane(xds: Path) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": {"pipe": {"path": socket_path(xds)}}}}
    http2: dict[str, Any] = {"explicit_http_config": {"http2_protocol_options": {}}}
    return {
        "name": CONTROL_PLANE,
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {
            _HTTP_OPTIONS: {"@type": f"type.googleapis.com/{_HTTP_OPTIONS}", **http2}
        },
        "load_assignment": {"cluster_name": CONTROL_PLANE, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _connection_limit() -> dict[str, Any]:
    config = "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    limit = {"@type": f"type.googleapis.com/{config}", "max_active_downstream_connections": CONNECTIONS_MAX}
    return {"name": "envoy.resource_monitors.global_downstream_max_connections", "typed_config": limit}


def _runtime() -> dict[str, Any]:
    limits = {"re2.max_program_size.error_level": RE2_PROGRAM_SIZE_MAX}
    return {"name": "static", "static_layer": limits}
