"""Limits of a cluster's connections and requests, and what is spoken over them: with Istio's defaults.

Must not know hosts, endpoints or routes.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from laneway.mesh.policy import Settings
from laneway.mesh.protos import any_of, message
from laneway.spec.istio import (
    ClientTLS,
    ConnectionPool,
    HTTPSettings,
    RetryBudget,
    TcpKeepalive,
    TCPSettings,
)
from laneway.spec.protocols import Protocol

CONNECT_SECONDS = 10
UNLIMITED = 2**32 - 1
"""Istio lifts Envoy's limits on connections, requests and retries."""
PROTOCOL_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def limit(cluster: Any, settings: Settings) -> None:
    """Give a cluster its limits."""
    pool = settings.connection_pool or ConnectionPool()
    if settings.connection_pool is None and settings.retry_budget is None:
        cluster.circuit_breakers.CopyFrom(_no_limits())
    else:
        cluster.circuit_breakers.thresholds.append(_thresholds(pool, settings.retry_budget))
    tcp = pool.tcp or TCPSettings()
    if tcp.connect_timeout is not None:
        cluster.connect_timeout.FromTimedelta(tcp.connect_timeout)
    else:
        cluster.connect_timeout.seconds = CONNECT_SECONDS
    if tcp.tcp_keepalive is not None:
        _keep_alive(cluster, tcp.tcp_keepalive)


@cache
def _no_limits() -> Any:
    thresholds = [_thresholds(ConnectionPool(), None)]
    return message("envoy.config.cluster.v3.CircuitBreakers")(thresholds=thresholds)


def _thresholds(pool: ConnectionPool, budget: RetryBudget | None) -> Any:
    http, tcp = pool.http or HTTPSettings(), pool.tcp or TCPSettings()
    found = message("envoy.config.cluster.v3.CircuitBreakers.Thresholds")(
        max_connections={"value": tcp.max_connections or UNLIMITED},
        max_pending_requests={"value": http.http1_max_pending_requests or UNLIMITED},
        max_requests={"value": http.http2_max_requests or UNLIMITED},
        max_retries={"value": http.max_retries or UNLIMITED},
        track_remaining=True,
    )
    if budget is not None:
        found.retry_budget.budget_percent.value = budget.percent
        found.retry_budget.min_retry_concurrency.value = budget.min_retry_concurrency
    return found


def _keep_alive(cluster: Any, given: TcpKeepalive) -> None:
    found = cluster.upstream_connection_options.tcp_keepalive
    found.SetInParent()
    if given.probes:
        found.keepalive_probes.value = given.probes
    if given.time is not None:
        found.keepalive_time.value = int(given.time.total_seconds())
    if given.interval is not None:
        found.keepalive_interval.value = int(given.interval.total_seconds())


def speaks_http2(protocol: Protocol, pool: ConnectionPool | None) -> bool:
    """Whether a cluster speaks HTTP/2, whatever its client does."""
    http = pool.http if pool else None
    upgrade = http is not None and http.h2_upgrade_policy == "UPGRADE"
    return upgrade or (protocol.http2 and not (http is not None and http.use_client_protocol))


def speak(
    cluster: Any, protocol: Protocol, pool: ConnectionPool | None = None, tls: ClientTLS | None = None
) -> None:
    """Let a cluster speak the port's protocol, or what the pool says; Envoy's default is HTTP/1.1.

    Where TLS leaves a name open, it is the host of each request.
    """
    if not protocol.http:
        return
    options = message(PROTOCOL_OPTIONS)()
    if pool is not None:
        _limit_connections(options.common_http_protocol_options, pool)
    if tls is not None and tls.mode != "DISABLE":
        options.upstream_http_protocol_options.auto_sni = not tls.sni
        verified = not (tls.subject_alt_names or tls.insecure_skip_verify)
        options.upstream_http_protocol_options.auto_san_validation = verified
    http = pool.http if pool and pool.http else HTTPSettings()
    if speaks_http2(protocol, pool):
        found = options.explicit_http_config.http2_protocol_options
        found.SetInParent()
        if http.max_concurrent_streams:
            found.max_concurrent_streams.value = http.max_concurrent_streams
    elif http.use_client_protocol:
        options.use_downstream_protocol_config.http_protocol_options.SetInParent()
        options.use_downstream_protocol_config.http2_protocol_options.SetInParent()
    elif options.ListFields():
        options.explicit_http_config.http_protocol_options.SetInParent()
    if options.ListFields():
        cluster.typed_extension_protocol_options[PROTOCOL_OPTIONS].CopyFrom(any_of(options))


def _limit_connections(common: Any, pool: ConnectionPool) -> None:
    http, tcp = pool.http or HTTPSettings(), pool.tcp or TCPSettings()
    idle = http.idle_timeout if http.idle_timeout is not None else tcp.idle_timeout
    if idle is not None:
        common.idle_timeout.FromTimedelta(idle)
    if tcp.max_connection_duration is not None:
        common.max_connection_duration.FromTimedelta(tcp.max_connection_duration)
    if http.max_requests_per_connection:
        common.max_requests_per_connection.value = http.max_requests_per_connection
