"""Clusters: where requests can be sent, with Istio's defaults. Must not know routes or pods."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any

from laneway.mesh.backends import backends_of
from laneway.mesh.balancers import balance, eject
from laneway.mesh.client_tls import encrypt, naming
from laneway.mesh.connection_pools import limit, speak
from laneway.mesh.endpoints import assignment
from laneway.mesh.hosts import Host, HostPort
from laneway.mesh.names import inbound, outbound
from laneway.mesh.policy import DEFAULTS, Policy, Settings
from laneway.mesh.protos import enum, message
from laneway.mesh.resources import Resource, resource
from laneway.mesh.world import Inbound
from laneway.spec.istio import ConnectionPool, HTTPSettings
from laneway.spec.protocols import Protocol

IDLE_SECONDS = 1
DNS_REFRESH_SECONDS = 60


def clusters_of(host: Host, policy: Policy) -> list[Resource]:
    """The clusters of each port of a host, and of each port of each of its subsets."""
    found = []
    for port in host.ports:
        found.append(_outbound(host, port, "", {}, policy.settings(port.number)))
        for subset in policy.subsets:
            settings = policy.settings(port.number, subset.name)
            found.append(_outbound(host, port, subset.name, subset.labels, settings))
    return found


def _outbound(
    host: Host, port: HostPort, subset: str, labels: Mapping[str, str], settings: Settings
) -> Resource:
    name = outbound(host.name, port.number, subset)
    cluster = cluster_of(name, settings)
    balance(cluster, settings.load_balancer)
    eject(cluster, settings.outlier_detection)
    tls = naming(settings.tls, host.subject_alt_names)
    speak(cluster, port.protocol, settings.connection_pool, tls)
    encrypt(cluster, port.protocol, settings.connection_pool, tls)
    if host.dns:
        cluster.type = cluster.LOGICAL_DNS if host.round_robin else cluster.STRICT_DNS
        cluster.dns_lookup_family = cluster.V4_ONLY
        cluster.dns_refresh_rate.seconds = DNS_REFRESH_SECONDS
        cluster.respect_dns_ttl = True
        cluster.load_assignment.CopyFrom(assignment(name, backends_of(host, port, labels, ())))
    else:
        cluster.type = cluster.EDS
        cluster.eds_cluster_config.CopyFrom(_endpoints_over_ads())
    return resource(name, cluster)


def inbound_cluster(listener: Inbound, protocol: Protocol) -> Resource:
    """A sidecar's cluster for its own application.

    A connection of HTTP/1.1 is given up after a second without a request. Many servers close idle ones after
    a few more, and a request sent in that moment would be lost; and as it may have been read, a retry is no
    cure. In HTTP/2 the server says which requests it has not read.
    """
    name = inbound(listener.container_port)
    cluster = cluster_of(name)
    cluster.type = cluster.STATIC
    endpoint = cluster.load_assignment.endpoints.add().lb_endpoints.add().endpoint
    address, port = listener.app
    endpoint.address.socket_address.address = address
    endpoint.address.socket_address.port_value = port
    cluster.load_assignment.cluster_name = name
    if protocol.http2:
        speak(cluster, protocol)
    elif protocol.http:
        idle = HTTPSettings(idle_timeout=timedelta(seconds=IDLE_SECONDS))
        speak(cluster, protocol, ConnectionPool(http=idle))
    return resource(name, cluster)


def cluster_of(name: str, settings: Settings = DEFAULTS) -> Any:
    """A cluster with what all have in common; HTTP/1.1 to its endpoints unless its options say otherwise."""
    cluster = message("envoy.config.cluster.v3.Cluster")(name=name)
    limit(cluster, settings)
    # With few ready endpoints Envoy would by default send to all: readiness alone decides.
    cluster.common_lb_config.healthy_panic_threshold.SetInParent()
    return cluster


@cache
def _endpoints_over_ads() -> Any:
    source = ads_source()
    return message("envoy.config.cluster.v3.Cluster.EdsClusterConfig")(eds_config=source)


@cache
def ads_source() -> Any:
    """Where a resource names another one: it comes over the same stream, and is waited for without limit."""
    source = message("envoy.config.core.v3.ConfigSource")()
    source.ads.SetInParent()
    source.resource_api_version = enum("envoy.config.core.v3.ApiVersion", "V3")
    source.initial_fetch_timeout.SetInParent()
    return source
