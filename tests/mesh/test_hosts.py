"""Services and ServiceEntries as hosts."""

from __future__ import annotations

from tests.mesh.mesh_objects import parse

from laneway.mesh.hosts import Endpoint, Host, HostPort, host_of_service, hosts_of_entry
from laneway.spec.istio import ServiceEntry
from laneway.spec.kubernetes import Service


def entry(spec: str) -> Host:
    """The one host of a ServiceEntry."""
    (value,) = parse(f"kind: ServiceEntry\nmetadata: {{name: courier}}\nspec: {spec}")
    assert isinstance(value, ServiceEntry)
    (host,) = hosts_of_entry(value)
    return host


def test_a_service_has_four_names_and_a_short_one() -> None:
    """The short one is for callers in its namespace."""
    (value,) = parse(
        "kind: Service\nmetadata: {name: a}\nspec: {selector: {b: c}, ports: [{port: 80, targetPort: web}]}"
    )
    assert isinstance(value, Service)
    host = host_of_service(value)
    full = "a.shop.svc.cluster.local"
    assert (host.names, host.short) == ((full, f"{full}.", "a.shop.svc", "a.shop"), "a")
    assert (host.ports, host.selector) == ((HostPort(80, "", "web"),), {"b": "c"})


def test_an_entry_without_endpoints_is_resolved_by_its_own_name() -> None:
    """DNS is the default."""
    host = entry("{hosts: [Courier.example], ports: [{number: 80, name: http, targetPort: 8080}]}")
    assert (host.name, host.dns, host.short) == ("courier.example", True, "")
    assert host.aliases == ("courier.example.",)
    assert host.endpoints == (Endpoint("courier.example", {80: 8080}, {}),)


def test_endpoints_have_their_own_ports_by_name() -> None:
    """Else the target port, else the port."""
    host = entry(
        "{hosts: [a.example], resolution: STATIC, ports: [{number: 80, name: one}, {number: 81, name: two}],"
        " endpoints: [{address: 127.0.0.5, ports: {one: 9000}, labels: {version: a}}]}"
    )
    assert (host.dns, host.endpoints) == (
        False,
        (Endpoint("127.0.0.5", {80: 9000, 81: 81}, {"version": "a"}),),
    )


def test_an_entry_can_select_pods() -> None:
    """Then it has no endpoints of its own."""
    host = entry(
        "{hosts: [a.example], resolution: STATIC, ports: [{number: 80, name: http}],"
        " workloadSelector: {labels: {app: a}}}"
    )
    assert (host.selector, host.endpoints) == ({"app": "a"}, ())
