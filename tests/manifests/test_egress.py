"""The way out through the egress gateway."""

from __future__ import annotations

from typing import Any

from laneway.manifests.egress import egress
from laneway.spec.istio import Gateway, ServiceEntry, VirtualService
from laneway.spec.lane import MeshSpec
from laneway.spec.world import Spec


def entry(**spec: Any) -> ServiceEntry:
    """A host outside of the mesh."""
    ports = [{"number": 8080, "name": "http", "protocol": "HTTP"}]
    fields = {"hosts": ["labs.partner.example"], "ports": ports, "location": "MESH_EXTERNAL"} | spec
    return ServiceEntry.model_validate({"metadata": {"name": "labs", "namespace": "shop"}, "spec": fields})


def test_requests_leave_through_the_gateway_without_the_lane_header() -> None:
    """A partner learns nothing of our lanes; the gateway asks the host's own port."""
    of = entry()
    mesh = MeshSpec.model_validate({"lane": {"header": "x-env"}})
    gateway, rules = egress(Spec(mesh=mesh, service_entries={of.key: of}))
    assert Gateway.model_validate(gateway).spec.servers[0].hosts == ["labs.partner.example"]
    inside, outside = VirtualService.model_validate(rules).spec.http
    assert inside.match[0].gateways == ["mesh"]
    assert inside.route[0].destination.host == "istio-egressgateway.istio-system.svc.cluster.local"
    assert outside.headers and outside.headers.request
    assert outside.headers.request.remove == ["x-env", "x-laneway-cohort"]
    assert outside.route[0].destination.port and outside.route[0].destination.port.number == 8080


def test_hosts_with_rules_of_the_user_s_own_are_left_to_him() -> None:
    """A host has one writer; names of hosts have no case."""
    of = entry(hosts=["Labs.partner.example", "other.example"])
    route = [{"destination": {"host": "labs.partner.example"}}]
    spec = {"hosts": ["labs.partner.example"], "http": [{"route": route}]}
    own = VirtualService.model_validate({"metadata": {"name": "own", "namespace": "shop"}, "spec": spec})
    written = list(egress(Spec(service_entries={of.key: of}, virtual_services={own.key: own})))
    assert [manifest["metadata"]["name"] for manifest in written] == ["labs-egress", "egress.other.example"]


def test_hosts_inside_of_the_mesh_do_not_leave_it() -> None:
    """Only MESH_EXTERNAL goes through the gateway."""
    of = entry(location="MESH_INTERNAL")
    assert list(egress(Spec(service_entries={of.key: of}))) == []


def test_what_a_gateway_cannot_read_does_not_pass_it() -> None:
    """gRPC does; TLS and TCP go from the caller's sidecar to the host."""
    for protocol, written in (("GRPC", 2), ("HTTP2", 2), ("HTTPS", 0), ("TLS", 0), ("TCP", 0)):
        of = entry(ports=[{"number": 443, "name": "a", "protocol": protocol}])
        assert len(list(egress(Spec(service_entries={of.key: of})))) == written
