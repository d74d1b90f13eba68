"""The way out: requests for an external host leave through the egress gateway, without Laneway's headers.

Written for each MESH_EXTERNAL ServiceEntry with one port, of HTTP, HTTP/2 or gRPC, unless a VirtualService of
the user's names its host.
"""

from __future__ import annotations

from collections.abc import Iterator

from laneway.manifests import names
from laneway.manifests.workloads import Manifest, meta
from laneway.spec.cohorts import COHORT_HEADER
from laneway.spec.istio import ServiceEntry
from laneway.spec.meta import Key
from laneway.spec.protocols import Protocol, named
from laneway.spec.world import Spec

GATEWAY_PORT = 80
READ = frozenset({Protocol.HTTP, Protocol.HTTP2, Protocol.GRPC})
"""Protocols whose requests a gateway can route."""


def egress(spec: Spec) -> Iterator[Manifest]:
    """A Gateway for each such ServiceEntry and a VirtualService for each of its hosts."""
    taken = {host.lower() for rules in spec.virtual_services.values() for host in rules.spec.hosts}
    for key, entry in sorted(spec.service_entries.items()):
        hosts = [host for host in entry.spec.hosts if host.lower() not in taken and "*" not in host]
        readable = [named(port.protocol) in READ for port in entry.spec.ports]
        if entry.spec.location == "MESH_EXTERNAL" and readable == [True] and hosts:
            yield _gateway(key, hosts)
            for host in hosts:
                yield _rules(key, entry, host, spec.mesh.lane.header)


def _gateway(key: Key, hosts: list[str]) -> Manifest:
    port = {"number": GATEWAY_PORT, "name": "http", "protocol": "HTTP"}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Gateway",
        "metadata": meta(Key(key.namespace, f"{key.name}-egress"), {}),
        "spec": {"selector": {"istio": "egressgateway"}, "servers": [{"port": port, "hosts": hosts}]},
    }


def _rules(key: Key, entry: ServiceEntry, host: str, lane_header: str) -> Manifest:
    gateway = f"{key.namespace}/{key.name}-egress"
    out = {"host": names.EGRESS_HOST, "port": {"number": GATEWAY_PORT}}
    there = {"host": host, "port": {"number": entry.spec.ports[0].number}}
    http = [
        {"name": "to-egress", "match": [{"gateways": ["mesh"]}], "route": [{"destination": out}]},
        {
            "name": "to-host",
            "match": [{"gateways": [gateway]}],
            "headers": {"request": {"remove": [lane_header, COHORT_HEADER]}},
            "route": [{"destination": there}],
        },
    ]
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": meta(Key(key.namespace, names.egress_rules(host)), {}),
        "spec": {"hosts": [host], "gateways": ["mesh", gateway], "http": http},
    }
