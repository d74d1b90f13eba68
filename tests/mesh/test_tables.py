"""Route configurations: which rows stand where, and that Envoy takes and matches them."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.mesh.generated_rules import http, request
from tests.mesh.mesh_objects import SHOP, decoded, parse, registry, rules
from tests.mesh.route_evaluator import route_for
from tests.mesh.static_envoy import answer, connection_manager, running

from laneway.mesh.gateways import GatewayTable, servers_of
from laneway.mesh.matching import Request
from laneway.mesh.protos import message
from laneway.mesh.registry import Registry
from laneway.mesh.resources import Resource
from laneway.mesh.retries import default_retries
from laneway.mesh.rules import NOBODY, Caller
from laneway.mesh.tables import gateway_table, mesh_table, scope
from laneway.mesh.walk import AtSidecar, walk

GATEWAY = """
kind: Gateway
metadata: {name: g}
spec: {selector: {a: b}, servers: [{port: {number: 80, name: http}, hosts: ["*"]}]}
"""
NAME = "pharmacy.shop.svc.cluster.local"
SERVICES = """
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{name: one, port: 80}}, {{name: two, port: 8080}}]}}
"""


def table_of(found: Registry, name: str = NAME, caller: Caller = NOBODY) -> Resource:
    """The route configuration of a host that has one."""
    table = mesh_table(name, found, caller)
    assert table is not None
    return table


def test_a_host_has_a_virtual_host_for_each_port() -> None:
    """Names without a port are those of port 80."""
    first, second = decoded(table_of(registry(SERVICES.format(name="pharmacy")))).virtual_hosts
    assert (first.name, second.name) == (f"{NAME}:80", f"{NAME}:8080")
    names = [NAME, f"{NAME}.", "pharmacy.shop.svc", "pharmacy.shop", "pharmacy"]
    assert list(second.domains) == [f"{name}:8080" for name in names]
    assert list(first.domains) == [f"{name}:80" for name in names] + names
    assert first.retry_policy == second.retry_policy == default_retries()


def test_a_host_without_rules_has_the_default_route() -> None:
    """To the port that was called, with Istio's name for the route."""
    table = table_of(registry(SERVICES.format(name="pharmacy")))
    (route,) = decoded(table).virtual_hosts[1].routes
    assert (route.name, route.route.cluster) == ("default", f"outbound|8080||{NAME}")
    assert table.needs == {f"outbound|80||{NAME}", f"outbound|8080||{NAME}"}


def test_rules_that_do_not_match_everything_end_in_a_404() -> None:
    """Not in the answer for an unknown host, which sidecars turn into a 502."""
    only = rules({"match": [{"uri": {"prefix": "/a"}}], "route": [{"destination": {"host": "pharmacy"}}]})
    (host,) = decoded(table_of(registry([*parse(SHOP)[:1], only]))).virtual_hosts
    assert [route.name for route in host.routes] == ["", "unmatched"]
    assert host.routes[1].direct_response.status == 404


def test_rules_for_no_host_count_on_port_80() -> None:
    """As in Istio: under the name alone."""
    only = rules({"route": [{"destination": {"host": "pharmacy"}}]}, hosts=["drugs.example"])
    (host,) = decoded(table_of(registry([*parse(SHOP)[:1], only]), "drugs.example")).virtual_hosts
    assert list(host.domains) == ["drugs.example:80", "drugs.example"]


def test_an_unknown_name_has_no_table() -> None:
    """There is nothing to say about it."""
    assert mesh_table("nowhere.example", registry(SHOP)) is None


def test_rules_for_gateways_alone_leave_the_default_route() -> None:
    """A VirtualService without a rule for this place does not govern it."""
    rule = {"match": [{"gateways": ["public"]}], "route": [{"destination": {"host": "elsewhere"}}]}
    found = registry([*parse(SHOP)[:1], rules(rule, gateways=["mesh", "public"])])
    (host,) = decoded(table_of(found)).virtual_hosts
    assert [route.name for route in host.routes] == ["default"]


def test_two_lanes_are_found_by_hash() -> None:
    """One lane stays a list."""
    lanes = [
        {"match": [{"headers": {"x-lane": {"exact": lane}}}], "route": [{"destination": {"host": lane}}]}
        for lane in ("green", "blue")
    ]
    rest = {"route": [{"destination": {"host": "pharmacy"}}]}
    (tree,) = decoded(table_of(registry([*parse(SHOP)[:1], rules(*lanes, rest)]))).virtual_hosts
    (plain,) = decoded(table_of(registry([*parse(SHOP)[:1], rules(lanes[0], rest)]))).virtual_hosts
    assert sorted(tree.matcher.matcher_tree.exact_match_map.map) == ["blue", "green"]
    assert not tree.routes
    assert (len(plain.routes), plain.HasField("matcher")) == (2, False)


def test_a_table_needs_the_clusters_that_it_names() -> None:
    """So that they can be sent before it."""
    assert table_of(registry(SHOP)).needs == {
        "outbound|80||pharmacy-green.shop.svc.cluster.local",
        f"outbound|80|a|{NAME}",
        f"outbound|80|b|{NAME}",
    }


def test_rules_of_several_objects_for_a_gateway_host_follow_each_other() -> None:
    """Oldest first, catch-alls last."""
    bound = {"hosts": ["x.example"], "gateways": ["g"]}
    part = [{"uri": {"prefix": "/b"}}]
    sources = [
        rules({"name": "all", "route": [{"destination": {"host": "one"}}]}, name="a", **bound),
        rules(
            {"name": "part", "match": part, "route": [{"destination": {"host": "two"}}]}, name="b", **bound
        ),
    ]
    found = registry([*parse(GATEWAY), *sources])
    table = GatewayTable(servers_of(found.gateways(), {"a": "b"}), sources)
    value = decoded(gateway_table("http.80/x.example", table, 80, ["x.example"], found))
    assert [route.name for route in value.virtual_hosts[0].routes] == ["part", "all"]
    assert value.ignore_port_in_host_matching


def test_a_scope_leads_from_a_name_to_its_table() -> None:
    """By the name's exact text."""
    value = decoded(scope("pharmacy.shop", f"mesh/{NAME}"))
    assert value.key.fragments[0].string_key == "pharmacy.shop"
    assert value.route_configuration_name == f"mesh/{NAME}"


@pytest.mark.mesh
def test_envoy_decides_as_the_walker_says(tmp_path: Path) -> None:
    """Generated rules that answer by themselves, on a real Envoy: as lists and as trees."""
    random = Random(20)
    names = [f"app-{index}" for index in range(24)]
    found = registry([value for name in names for value in parse(SERVICES.format(name=name))])
    for name in names:
        found.upsert(rules(*http(random, 6, direct=True), name=name, gateways=["mesh", "public"]))
    page = Caller("shop", frozenset({("app", "page")}))
    tables = [decoded(table_of(found, f"{name}.shop.svc.cluster.local", page)) for name in names]
    hosts: list[Any] = [host for table in tables for host in table.virtual_hosts]
    assert {host.HasField("matcher") for host in hosts} == {True, False}
    routes = message("envoy.config.route.v3.RouteConfiguration")(name="all", virtual_hosts=hosts)
    routes.validate_clusters.value = False
    seen = set()
    with running(tmp_path, connection_manager(route_config=routes)) as connection:
        for asked in (request(random, name) for name in names for _ in range(40)):
            (hop,) = walk(found, AtSidecar("shop", "test", {"app": "page"}), asked).hops
            if not hop.status:
                continue  # The default route, to a cluster that this Envoy does not have.
            expected = (404, "") if hop.error else (200, hop.name)
            assert answer(connection, asked) == expected, (asked, hop)
            seen.add(hop.name)
    assert seen == {"", *(f"r{index}" for index in range(6))}


def test_generated_tables_hold_trees_and_lists() -> None:
    """The evaluator that stands in for Envoy elsewhere reads both forms too."""
    random = Random(20)
    found = registry([*parse(SERVICES.format(name="pharmacy")), rules(*http(random, 6, direct=True))])
    value = decoded(table_of(found))
    asked = Request("pharmacy", headers={"x-lane": "green"})
    (hop,) = walk(found, AtSidecar("shop", "test"), asked).hops
    assert route_for(value, asked).name == hop.name
