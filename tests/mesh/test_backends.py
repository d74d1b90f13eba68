"""Where requests to a port can go."""

from __future__ import annotations

from tests.mesh.mesh_objects import pod

from laneway.mesh.backends import Backend, backends_of
from laneway.mesh.hosts import Host, HostPort
from laneway.spec.meta import Key

HOST = Host("h.shop.svc.cluster.local", "Service", Key("shop", "h"), ())


def test_target_ports_are_numbers_or_names_of_the_container() -> None:
    """The pod says which port to dial for each."""
    found = pod("one", {}, ports={8080: 30_000}, port_names={"web": 8080})
    for target in (8080, "web"):
        assert backends_of(HOST, HostPort(80, "http", target), {}, [found]) == [
            Backend("one", "127.1.0.1", 30_000, True)
        ]


def test_a_pod_without_the_port_is_no_backend() -> None:
    """There is nothing to dial."""
    for target in (9090, "admin"):
        assert backends_of(HOST, HostPort(80, "http", target), {}, [pod("one", {})]) == []


def test_labels_select_within_the_host() -> None:
    """As a subset does."""
    pods = [pod("one", {"v": "a"}), pod("two", {"v": "b"})]
    assert [found.name for found in backends_of(HOST, HostPort(80, "http", 8080), {"v": "b"}, pods)] == [
        "two"
    ]
