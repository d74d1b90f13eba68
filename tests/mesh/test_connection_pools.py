"""What a policy says of balancing, limits, ejection and protocols, as fields of a cluster."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from tests.mesh.mesh_objects import decoded, registry

from laneway.mesh.clusters import clusters_of
from laneway.mesh.protos import message

NAME = "pharmacy.shop.svc.cluster.local"
TEXT = """
kind: Service
metadata: {name: pharmacy}
spec: {selector: {app: pharmacy}, ports: [{name: %s, port: 80}]}
---
kind: DestinationRule
metadata: {name: pharmacy}
spec: {host: pharmacy, trafficPolicy: {%s}}
"""
OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
USUAL = {
    "name",
    "type",
    "eds_cluster_config",
    "connect_timeout",
    "lb_policy",
    "circuit_breakers",
    "common_lb_config",
}


def cluster(policy: str, port: str = "http") -> dict[str, Any]:
    """The pharmacy's cluster as JSON values, its HTTP options as `options`."""
    found = registry(TEXT % (port, policy))
    host = found.host(NAME)
    assert host is not None
    (resource,) = clusters_of(host, found.policy(host))
    value = decoded(resource)
    wrapped = value.typed_extension_protocol_options
    spoken = message(OPTIONS).FromString(wrapped[OPTIONS].value) if OPTIONS in wrapped else None
    value.ClearField("typed_extension_protocol_options")
    told: dict[str, Any] = MessageToDict(value, preserving_proto_field_name=True)
    options = {"options": MessageToDict(spoken, preserving_proto_field_name=True)} if spoken else {}
    return told | options


def test_without_a_policy_a_cluster_has_the_usual_fields_and_no_other() -> None:
    """Every proxy holds every cluster: each field more is paid for many times."""
    assert set(cluster("")) == USUAL
    assert set(cluster("", "tcp")) == USUAL


@pytest.mark.parametrize(
    ("policy", "field", "value"),
    [
        ("loadBalancer: {simple: ROUND_ROBIN}", "lb_policy", None),
        (
            "loadBalancer: {consistentHash: {useSourceIp: true}}",
            "ring_hash_lb_config",
            {"minimum_ring_size": "1024"},
        ),
        (
            "loadBalancer: {consistentHash: {useSourceIp: true, minimumRingSize: 9}}",
            "ring_hash_lb_config",
            {"minimum_ring_size": "9"},
        ),
        ("loadBalancer: {consistentHash: {useSourceIp: true, ringHash: {}}}", "ring_hash_lb_config", None),
        (
            "loadBalancer: {consistentHash: {useSourceIp: true, maglev: {tableSize: 7}}}",
            "maglev_lb_config",
            {"table_size": "7"},
        ),
        (
            "loadBalancer: {simple: ROUND_ROBIN, warmupDurationSecs: 30s}",
            "round_robin_lb_config",
            {
                "slow_start_config": {
                    "slow_start_window": "30s",
                    "aggression": {"default_value": 1.0, "runtime_key": f"outbound|80||{NAME}.aggression"},
                    "min_weight_percent": {"value": 10.0},
                }
            },
        ),
        ("connectionPool: {tcp: {connectTimeout: 250ms}}", "connect_timeout", "0.250s"),
        (
            "connectionPool: {tcp: {tcpKeepalive: {probes: 3, time: 60s, interval: 5s}}}",
            "upstream_connection_options",
            {"tcp_keepalive": {"keepalive_probes": 3, "keepalive_time": 60, "keepalive_interval": 5}},
        ),
        (
            "connectionPool:"
            " {http: {idleTimeout: 5s, maxRequestsPerConnection: 7}, tcp: {maxConnectionDuration: 9s}}",
            "options",
            {
                "common_http_protocol_options": {
                    "idle_timeout": "5s",
                    "max_connection_duration": "9s",
                    "max_requests_per_connection": 7,
                },
                "explicit_http_config": {"http_protocol_options": {}},
            },
        ),
        (
            "connectionPool: {http: {h2UpgradePolicy: UPGRADE, maxConcurrentStreams: 9}}",
            "options",
            {"explicit_http_config": {"http2_protocol_options": {"max_concurrent_streams": 9}}},
        ),
        (
            "connectionPool: {http: {useClientProtocol: true}}",
            "options",
            {"use_downstream_protocol_config": {"http_protocol_options": {}, "http2_protocol_options": {}}},
        ),
        (
            "outlierDetection: {minHealthPercent: 30}",
            "common_lb_config",
            {"healthy_panic_threshold": {"value": 30.0}},
        ),
        ("outlierDetection: {}", "outlier_detection", {"enforcing_success_rate": 0}),
        (
            "outlierDetection: {consecutive5xxErrors: 0, consecutiveGatewayErrors: 2, interval: 1s,"
            " baseEjectionTime: 3s, maxEjectionPercent: 50}",
            "outlier_detection",
            {
                "consecutive_5xx": 0,
                "enforcing_consecutive_5xx": 0,
                "consecutive_gateway_failure": 2,
                "enforcing_consecutive_gateway_failure": 100,
                "enforcing_success_rate": 0,
                "interval": "1s",
                "base_ejection_time": "3s",
                "max_ejection_percent": 50,
            },
        ),
        (
            "outlierDetection: {splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 4}",
            "outlier_detection",
            {
                "split_external_local_origin_errors": True,
                "consecutive_local_origin_failure": 4,
                "enforcing_consecutive_local_origin_failure": 100,
                "enforcing_local_origin_success_rate": 0,
                "enforcing_success_rate": 0,
            },
        ),
    ],
)
def test_a_field_of_a_policy_is_one_of_the_cluster(policy: str, field: str, value: Any) -> None:
    """As Istio translates it."""
    assert cluster(policy).get(field) == value


def test_limits_are_istios_unless_given() -> None:
    """A budget for retries stands beside the limit of their number."""
    pool = (
        "connectionPool: {tcp: {maxConnections: 1}, http: {http1MaxPendingRequests: 2, http2MaxRequests: 3}}"
    )
    (limits,) = cluster(f"{pool}, retryBudget: {{percent: 30}}")["circuit_breakers"]["thresholds"]
    assert limits == {
        "max_connections": 1,
        "max_pending_requests": 2,
        "max_requests": 3,
        "max_retries": 2**32 - 1,
        "track_remaining": True,
        "retry_budget": {"budget_percent": {"value": 30.0}, "min_retry_concurrency": 3},
    }


def test_what_is_said_of_requests_does_not_concern_bytes() -> None:
    """A port of TCP has no HTTP options."""
    policy = "connectionPool: {http: {h2UpgradePolicy: UPGRADE, idleTimeout: 5s}}"
    assert set(cluster(policy, "tcp")) == USUAL
