"""Clusters have Istio's defaults."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.mesh.mesh_objects import SHOP, decoded, parse, registry, sidecar

from laneway.mesh.clusters import clusters_of, inbound_cluster
from laneway.mesh.connection_pools import UNLIMITED
from laneway.mesh.protos import message
from laneway.mesh.registry import Registry
from laneway.spec.protocols import Protocol

NAME = "pharmacy.shop.svc.cluster.local"


def clusters(found: Registry, name: str = NAME) -> dict[str, Any]:
    """The clusters of a host by name."""
    host = found.host(name)
    assert host is not None
    return {resource.name: decoded(resource) for resource in clusters_of(host, found.policy(host))}


def test_a_host_has_a_cluster_for_each_port_and_subset() -> None:
    """Used or not, as Istio has."""
    assert sorted(clusters(registry(SHOP))) == [
        f"outbound|80|a|{NAME}",
        f"outbound|80|b|{NAME}",
        f"outbound|80||{NAME}",
    ]


def test_defaults_are_istios() -> None:
    """No limits, ten seconds to connect, no panic."""
    cluster = clusters(registry(SHOP))[f"outbound|80||{NAME}"]
    assert cluster.type == cluster.EDS
    assert cluster.eds_cluster_config.eds_config.HasField("ads")
    assert cluster.lb_policy == cluster.LEAST_REQUEST
    assert cluster.connect_timeout.seconds == 10
    (limits,) = cluster.circuit_breakers.thresholds
    for name in ("max_connections", "max_pending_requests", "max_requests", "max_retries"):
        assert getattr(limits, name).value == UNLIMITED
    assert cluster.common_lb_config.HasField("healthy_panic_threshold")
    assert cluster.common_lb_config.healthy_panic_threshold.value == 0


@pytest.mark.parametrize(
    ("simple", "policy"),
    [("ROUND_ROBIN", "ROUND_ROBIN"), ("RANDOM", "RANDOM"), ("LEAST_CONN", "LEAST_REQUEST")],
)
def test_a_destination_rule_chooses_the_balancer(simple: str, policy: str) -> None:
    """For the host and its subsets."""
    text = SHOP.replace(
        "{host: pharmacy, subsets:",
        f"{{host: pharmacy, trafficPolicy: {{loadBalancer: {{simple: {simple}}}}}, subsets:",
    )
    for cluster in clusters(registry(text)).values():
        assert cluster.LbPolicy.Name(cluster.lb_policy) == policy


def test_names_are_resolved_where_the_entry_says_dns() -> None:
    """The endpoints are in the cluster itself, a subset's by its labels."""
    text = """
kind: ServiceEntry
metadata: {name: e}
spec:
  hosts: [courier.example]
  ports: [{number: 80, name: http}]
  endpoints: [{address: one.example, labels: {v: a}}, {address: two.example, ports: {http: 8080}}]
---
kind: DestinationRule
metadata: {name: e}
spec: {host: courier.example, subsets: [{name: a, labels: {v: a}}]}
"""
    found = clusters(registry(parse(text)), "courier.example")
    everything, subset = found["outbound|80||courier.example"], found["outbound|80|a|courier.example"]
    assert everything.type == everything.STRICT_DNS
    assert addresses(everything) == [("one.example", 80), ("two.example", 8080)]
    assert addresses(subset) == [("one.example", 80)]


def addresses(cluster: Any) -> list[tuple[str, int]]:
    """The endpoints in a cluster."""
    sockets = [
        endpoint.endpoint.address.socket_address
        for group in cluster.load_assignment.endpoints
        for endpoint in group.lb_endpoints
    ]
    return [(socket.address, socket.port_value) for socket in sockets]


def options_of(cluster: Any) -> Any:
    """The HTTP options of a cluster; None where Envoy's hold, which are HTTP/1.1."""
    found = [wrapped.value for wrapped in cluster.typed_extension_protocol_options.values()]
    name = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    return message(name).FromString(found[0]) if found else None


@pytest.mark.parametrize(
    ("port", "http2"), [("http", False), ("http2-web", True), ("grpc", True), ("tcp-db", False)]
)
def test_peers_and_applications_are_spoken_to_as_the_port_says(port: str, http2: bool) -> None:
    """HTTP/2 for HTTP/2 and gRPC."""
    (outbound, *_) = clusters(registry(SHOP.replace("name: http", f"name: {port}"))).values()
    spoken = options_of(outbound)
    assert (spoken is not None and spoken.explicit_http_config.HasField("http2_protocol_options")) is http2
    found = registry(SHOP.replace("name: http", f"name: {port}"))
    app = replace(sidecar(), labels={"app": "pharmacy"})
    (protocol,) = found.protocols_of(app)
    inward = options_of(decoded(inbound_cluster(app.inbound[0], protocol)))
    assert (inward is not None and inward.explicit_http_config.HasField("http2_protocol_options")) is http2


def test_connections_to_the_application_are_given_up_before_it_does() -> None:
    """So that it never closes one on which a request is under way."""
    cluster = decoded(inbound_cluster(sidecar().inbound[0], Protocol.HTTP))
    assert (cluster.name, addresses(cluster)) == ("inbound|8080||", [("127.1.0.10", 8080)])
    assert options_of(cluster).common_http_protocol_options.idle_timeout.seconds == 1


def test_names_are_resolved_in_turn_where_a_service_entry_says_so() -> None:
    """One connection after the other, to the first answer; else all answers are endpoints."""
    text = (
        "{kind: ServiceEntry, metadata: {name: e}, spec: {hosts: [a.example], resolution: %s, ports: [%s]}}"
    )
    for resolution, kind in (("DNS", "STRICT_DNS"), ("DNS_ROUND_ROBIN", "LOGICAL_DNS")):
        found = registry(text % (resolution, "{number: 80, name: http}"))
        host = found.host("a.example")
        assert host is not None
        value = decoded(clusters_of(host, found.policy(host))[0])
        assert value.DiscoveryType.Name(value.type) == kind
