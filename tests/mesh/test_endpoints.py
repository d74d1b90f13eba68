"""Endpoints are the ready pods."""

from __future__ import annotations

from tests.mesh.mesh_objects import SHOP, decoded, pod, registry

from laneway.mesh.endpoints import assignments_of
from laneway.mesh.registry import Registry

ENTRY = """
kind: ServiceEntry
metadata: {name: e}
spec:
  hosts: [a.example]
  ports: [{number: 80, name: http}]
"""
NAME = "pharmacy.shop.svc.cluster.local"


def endpoints(found: Registry, name: str = NAME) -> dict[str, list[tuple[str, int]]]:
    """Addresses by cluster."""
    host = found.host(name)
    assert host is not None
    result = {}
    for resource in assignments_of(host, found.policy(host), found.pods_of(name)):
        groups = decoded(resource).endpoints
        sockets = [one.endpoint.address.socket_address for group in groups for one in group.lb_endpoints]
        result[resource.name] = [(socket.address, socket.port_value) for socket in sockets]
    return result


def test_ready_pods_are_endpoints_of_their_subset_and_of_the_whole() -> None:
    """A pod that is not ready takes no new request."""
    pods = [
        pod("a", {"app": "pharmacy", "version": "a"}, address="127.1.0.1"),
        pod("b", {"app": "pharmacy", "version": "b"}, address="127.1.0.2"),
        pod("c", {"app": "pharmacy", "version": "b"}, address="127.1.0.3", ready=False),
    ]
    assert endpoints(registry(SHOP, pods)) == {
        f"outbound|80||{NAME}": [("127.1.0.1", 8080), ("127.1.0.2", 8080)],
        f"outbound|80|a|{NAME}": [("127.1.0.1", 8080)],
        f"outbound|80|b|{NAME}": [("127.1.0.2", 8080)],
    }


def test_a_host_without_pods_has_empty_assignments() -> None:
    """Envoy answers 503 at once instead of waiting for endpoints."""
    found = endpoints(registry(SHOP))
    assert len(found) == 3
    assert not any(found.values())


def test_names_to_resolve_have_no_assignment() -> None:
    """They are in the cluster."""
    found = registry(ENTRY)
    assert endpoints(found, "a.example") == {}


def test_endpoints_of_an_entry_are_always_ready() -> None:
    """Nothing observes them."""
    text = ENTRY + "  resolution: STATIC\n  endpoints: [{address: 127.0.0.5}]"
    assert endpoints(registry(text), "a.example") == {"outbound|80||a.example": [("127.0.0.5", 80)]}


def test_endpoints_of_a_service_entry_have_weights() -> None:
    """Those that say none count once."""
    text = (
        ENTRY.rstrip()
        + """
  resolution: STATIC
  endpoints: [{address: 192.0.2.1, weight: 3}, {address: 192.0.2.2}]
"""
    )
    found = registry(text)
    host = found.host("a.example")
    assert host is not None
    (assigned,) = assignments_of(host, found.policy(host), ())
    (group,) = decoded(assigned).endpoints
    weights = {
        one.endpoint.address.socket_address.address: one.load_balancing_weight.value or 1
        for one in group.lb_endpoints
    }
    assert weights == {"192.0.2.1": 3, "192.0.2.2": 1}
