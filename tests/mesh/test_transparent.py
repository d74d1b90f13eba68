"""A transparent sidecar listens wherever the connections of its pod may be going."""

from __future__ import annotations

from typing import Any

from tests.mesh.mesh_objects import decoded, registry, sidecar

from laneway.mesh.protos import message
from laneway.mesh.resources import Resource
from laneway.mesh.tcp import tcp_chain
from laneway.mesh.transparent import Destinations, captured, outbound_listener, places_of

HOSTS = """
kind: Service
metadata: {name: web}
spec:
  clusterIP: 10.96.0.20
  selector: {app: web}
  ports: [{name: http, port: 80}, {name: tcp-db, port: 5432}]
---
kind: Service
metadata: {name: other}
spec: {clusterIP: 10.96.0.21, selector: {app: other}, ports: [{name: http, port: 80}]}
---
kind: ServiceEntry
metadata: {name: secure}
spec: {hosts: [secure.example], ports: [{number: 443, name: tls, protocol: TLS}]}
---
kind: ServiceEntry
metadata: {name: bytes}
spec: {hosts: [bytes.example], ports: [{number: 9000, name: tcp, protocol: TCP}]}
"""
NAMES = ("web.shop.svc.cluster.local", "other.shop.svc.cluster.local", "secure.example", "bytes.example")
OTHERWISE = tcp_chain("otherwise", {"otherwise": 1}, None)


def destinations() -> Destinations:
    """Of all hosts."""
    found, objects = Destinations(), registry(HOSTS)
    for name in NAMES:
        found.put(name, objects.host(name))
    return found


def listener(address: str, port: int, text: str = HOSTS) -> tuple[Resource, Any]:
    """The listener of a place."""
    found = captured(
        (address, port), destinations().claims((address, port)), registry(text), OTHERWISE, (), None
    )
    assert found is not None
    return found, decoded(found)


def clusters(chain: Any) -> str:
    """The cluster of a chain that passes bytes on."""
    assert chain.filters[0].name == "envoy.filters.network.tcp_proxy"
    name = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
    return str(message(name).FromString(chain.filters[0].typed_config.value).cluster)


def test_http_is_taken_at_every_address_and_tcp_at_the_hosts_own() -> None:
    """Requests name their host; connections of other protocols have only their address."""
    host = registry(HOSTS).host(NAMES[0])
    assert host is not None
    assert set(places_of(host)) == {("0.0.0.0", 80), ("10.96.0.20", 5432)}


def test_a_host_that_changes_touches_the_places_that_differ() -> None:
    """And no others; one that is the same touches none."""
    found, before = destinations(), registry(HOSTS).host(NAMES[0])
    assert found.put(NAMES[0], before) == set()
    moved = registry(HOSTS.replace("port: 5432", "port: 5433")).host(NAMES[0])
    assert found.put(NAMES[0], moved) == {("10.96.0.20", 5432), ("10.96.0.20", 5433)}
    assert ("10.96.0.20", 5432) not in found.places()
    assert [name for name, _ in found.claims(("0.0.0.0", 80))] == sorted(NAMES[:2])


def test_a_place_without_hosts_has_no_listener() -> None:
    """What goes there goes the way of the unknown."""
    assert captured(("0.0.0.0", 81), [], registry(HOSTS), OTHERWISE, (), None) is None


def test_http_listeners_bind_nothing_and_find_tables_by_host() -> None:
    """One for all hosts of a port; nothing is needed before its tables."""
    resource, value = listener("0.0.0.0", 80)
    assert (resource.name, resource.needs) == ("0.0.0.0_80", frozenset())
    assert value.bind_to_port.value is False
    assert value.HasField("bind_to_port")
    assert value.default_filter_chain.filters[0].name == "envoy.filters.network.http_connection_manager"


def test_tcp_goes_to_the_cluster_of_its_host() -> None:
    """The listener waits for the cluster."""
    resource, value = listener("10.96.0.20", 5432)
    cluster = f"outbound|5432||{NAMES[0]}"
    (chain,) = value.filter_chains
    assert clusters(chain) == cluster
    assert resource.needs == {cluster}


def test_tls_without_an_address_finds_its_host_by_sni() -> None:
    """Other names go the way of the unknown."""
    _, value = listener("0.0.0.0", 443)
    (chain,) = value.filter_chains
    assert list(chain.filter_chain_match.server_names) == ["secure.example"]
    assert clusters(chain) == "outbound|443||secure.example"
    assert clusters(value.default_filter_chain) == "otherwise"
    assert value.listener_filters[0].name == "envoy.filters.listener.tls_inspector"


def test_tcp_without_an_address_is_taken_at_every_address() -> None:
    """As in Istio."""
    _, value = listener("0.0.0.0", 9000)
    (chain,) = value.filter_chains
    assert clusters(chain) == "outbound|9000||bytes.example"


def test_redirected_connections_go_by_their_original_destination() -> None:
    """One to the listener itself would come again without end: it is closed."""
    value = decoded(outbound_listener(sidecar(), OTHERWISE, None))
    assert value.use_original_dst.value
    assert value.listener_filters[0].name == "envoy.filters.listener.original_dst"
    (own,) = value.filter_chains
    assert own.filter_chain_match.destination_port.value == 15001
    assert clusters(own) == "BlackHoleCluster"
    assert clusters(value.default_filter_chain) == "otherwise"


def test_rules_for_connections_share_them_by_weight() -> None:
    """At the sidecars, for the port that they name; connections to other ports stay with the host."""
    text = f"""{HOSTS}---
kind: VirtualService
metadata: {{name: web}}
spec:
  hosts: [web]
  tcp:
  - match: [{{port: 5432}}]
    route:
    - {{destination: {{host: web, subset: a}}, weight: 80}}
    - {{destination: {{host: web, subset: b}}, weight: 20}}
"""
    resource, value = listener("10.96.0.20", 5432, text)
    (chain,) = value.filter_chains
    name = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
    shared = message(name).FromString(chain.filters[0].typed_config.value).weighted_clusters.clusters
    weights = {f"outbound|5432|{subset}|{NAMES[0]}": weight for subset, weight in (("a", 80), ("b", 20))}
    assert {each.name: each.weight for each in shared} == weights
    assert resource.needs == weights.keys()
    _, value = listener("10.96.0.20", 5432, text.replace("[{port: 5432}]", "[{port: 1}]"))
    assert clusters(value.filter_chains[0]) == f"outbound|5432||{NAMES[0]}"
