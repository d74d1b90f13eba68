"""Gateway servers meet the hosts of VirtualServices."""

from __future__ import annotations

import json

from tests.mesh.mesh_objects import registry, rules

from laneway.mesh.gateways import GatewayTable, servers_of
from laneway.mesh.rules import Site

GATEWAY = """
kind: Gateway
metadata: {name: public}
spec: {selector: {istio: ingressgateway}, servers: SERVERS}
"""
SERVERS = "[{port: {number: 80, name: http}, hosts: ['*']}]"
LABELS = {"istio": "ingressgateway"}


def table(*servers: tuple[int, str]) -> GatewayTable:
    """Of Gateway shop/public, with a server for each port and host."""
    listed = [{"port": {"number": port, "name": f"p{port}"}, "hosts": [host]} for port, host in servers]
    text = GATEWAY.replace("SERVERS", json.dumps(listed))
    return GatewayTable(servers_of(registry(text).gateways(), LABELS))


def test_a_gateway_serves_proxies_whose_labels_it_selects() -> None:
    """And no others."""
    text = GATEWAY.replace("istio: ingressgateway", "a: b").replace("SERVERS", SERVERS)
    found = registry(text).gateways()
    assert [server.gateway for server in servers_of(found, {"a": "b", "c": "d"})] == ["shop/public"]
    assert servers_of(found, {"a": "c"}) == ()


def test_hosts_are_the_intersections() -> None:
    """Of those that the server and the rules name."""
    found = table((80, "*.shop.example"))
    assert found.put(rules({}, hosts=["a.shop.example", "b.example"], gateways=["public"])) == {
        (80, "a.shop.example")
    }
    assert found.hosts(80) == ["a.shop.example"]


def test_rules_that_are_not_bound_have_no_place() -> None:
    """Also those for sidecars alone."""
    found = table((80, "*"))
    assert found.put(rules({}, gateways=["other"])) == set()
    assert found.put(rules({}, name="mesh")) == set()


def test_a_server_can_be_for_one_namespace() -> None:
    """`.` is the Gateway's own, `*` any."""
    value = rules({}, hosts=["a.example"], gateways=["shop/public"])
    for pattern, served in (("shop/*", True), ("./*", True), ("*/*", True), ("other/*", False)):
        assert bool(table((80, pattern)).put(value)) is served


def test_changed_rules_touch_their_old_and_new_places() -> None:
    """So that both are translated again."""
    found = table((80, "*"))
    found.put(rules({}, hosts=["a.example"], gateways=["public"]))
    changed = rules({}, hosts=["b.example"], gateways=["public"])
    assert found.put(changed) == {(80, "a.example"), (80, "b.example")}
    assert found.places() == {(80, "b.example")}
    assert found.drop(changed.key) == {(80, "b.example")}
    assert found.places() == set()


def test_a_host_falls_under_the_longest_pattern() -> None:
    """An exact one before all."""
    found = table((80, "*"))
    hosts = ["*", "*.example", "*.shop.example", "a.shop.example"]
    for index, host in enumerate(hosts):
        found.put(rules({}, name=f"v{index}", hosts=[host], gateways=["public"]))
    assert found.serving(80, "a.shop.example") == "a.shop.example"
    assert found.serving(80, "b.shop.example") == "*.shop.example"
    assert found.serving(80, "b.example") == "*.example"
    assert found.serving(80, "else.where") == "*"
    assert found.serving(81, "a.shop.example") is None


def test_the_host_alone_decides_on_one_port_without_wildcards() -> None:
    """Else one table for each port is needed."""
    found = table((80, "*"))
    found.put(rules({}, hosts=["a.example"], gateways=["public"]))
    assert found.exact
    found.put(rules({}, name="all", hosts=["*"], gateways=["public"]))
    assert not found.exact
    assert not table((80, "*"), (81, "*")).exact


def test_rules_are_read_at_the_gateways_of_their_port() -> None:
    """Match blocks can name them."""
    assert table((80, "*"), (81, "*")).site(81) == Site(frozenset({"shop/public"}), 81)
