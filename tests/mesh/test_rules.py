"""Rules as rows: which are tried at a place, in what order, and where they lead."""

from __future__ import annotations

from typing import Any

from tests.mesh.mesh_objects import SHOP, parse, registry, rules

from laneway.mesh.conditions import Condition, Op
from laneway.mesh.registry import Registry
from laneway.mesh.rules import Caller, Row, Site, Target, blocks_of, rows_of, targets_of

MESH = Site(frozenset({"mesh"}), 80)
PUBLIC = Site(frozenset({"shop/public"}), 80)
TO = {"route": [{"destination": {"host": "pharmacy"}}]}


def rows(*http: dict[str, Any], site: Site = MESH, **spec: Any) -> tuple[Row, ...]:
    """The rows of one VirtualService."""
    return rows_of([rules(*(rule | TO for rule in http), **spec)], site)


def test_every_match_block_is_a_row() -> None:
    """In the order in which they are written."""
    found = rows(
        {"name": "r", "match": [{"name": "m", "uri": {"exact": "/a"}}, {"uri": {"prefix": "/b"}}]}, {}
    )
    assert [(row.rule, row.block, row.name) for row in found] == [(0, 0, "r.m"), (0, 1, "r"), (1, 0, "")]


def test_nothing_follows_a_catch_all() -> None:
    """Prefix `/` and the regex `.*` are catch-alls too."""
    matches: list[list[dict[str, Any]]] = [[], [{}], [{"uri": {"prefix": "/"}}], [{"uri": {"regex": ".*"}}]]
    for match in matches:
        assert len(rows({"match": match}, {"name": "after"})) == 1


def test_conditions_are_in_istios_order() -> None:
    """Path, headers by name, method, authority."""
    match = {
        "authority": {"exact": "x"},
        "method": {"exact": "GET"},
        "headers": {"X-B": {}, "x-a": {"regex": "y"}},
        "uri": {"prefix": "/p"},
        "ignoreUriCase": True,
    }
    (row,) = rows({"match": [match]})
    assert row.conditions == (
        Condition(":path", Op.PREFIX, "/p", True),
        Condition("x-b", Op.PRESENT),
        Condition("x-a", Op.REGEX, "y"),
        Condition(":method", Op.EXACT, "GET"),
        Condition(":authority", Op.EXACT, "x"),
    )


def test_a_rule_for_another_port_or_gateway_is_excluded() -> None:
    """In words, for those who ask why."""
    value = rules(
        {"match": [{"port": 81}]} | TO,
        {"match": [{"gateways": ["public"]}]} | TO,
        {"match": [{"gateways": ["mesh"]}]} | TO,
        gateways=["mesh", "public"],
    )
    assert [row.rule for row in rows_of([value], MESH)] == [2]
    assert [row.rule for row in rows_of([value], PUBLIC)] == [1]
    assert [row.excluded for row in blocks_of([value], MESH)] == [
        "the port is 80, the rule is for port 81 only",
        "this is read at sidecars, the rule is for shop/public only",
        "",
    ]


def test_a_rule_for_other_callers_is_excluded() -> None:
    """By labels and namespace, unless the block names gateways: so it is in Istio."""
    value = rules(
        {"match": [{"sourceLabels": {"app": "a", "v": "1"}}]} | TO,
        {"match": [{"sourceNamespace": "other"}]} | TO,
        {"match": [{"sourceNamespace": "other", "gateways": ["mesh"]}]} | TO,
    )
    page = Site(frozenset({"mesh"}), 80, Caller("shop", frozenset({("app", "a")})))
    assert [row.excluded for row in blocks_of([value], page)] == [
        "the caller does not have the label v: 1",
        "the caller is in shop, the rule is for callers in other only",
        "",
    ]
    there = Site(frozenset({"mesh"}), 80, Caller("other", frozenset({("app", "a"), ("v", "1")})))
    assert [row.rule for row in rows_of([value], there)] == [0]


def test_a_block_cannot_widen_the_gateways_of_its_rules() -> None:
    """A gateway that the VirtualService is not bound to does not count."""
    assert rows({"match": [{"gateways": ["public"]}]}, site=PUBLIC, gateways=["other"]) == ()


def test_of_several_objects_catch_alls_come_last() -> None:
    """Otherwise the older one's rules come first."""
    one = rules({"name": "a", "match": [{"uri": {"exact": "/a"}}]} | TO, {"name": "all"} | TO)
    two = rules({"name": "b", "match": [{"uri": {"exact": "/b"}}]} | TO)
    assert [row.name for row in rows_of([one, two], MESH)] == ["a", "b", "all"]


def targets(found: Registry, *shares: dict[str, Any], site: Site = MESH) -> list[Target]:
    """Where one rule with these destinations leads."""
    (row,) = rows_of([rules({"route": list(shares)}, gateways=sorted(site.gateways))], site)
    return list(targets_of(row, site, found))


def test_an_open_port_is_the_destinations_only_one_at_a_gateway() -> None:
    """Else the port that was called."""
    two = "kind: Service\nmetadata: {name: two}\nspec: {selector: {a: b}, ports: [{port: 1}, {port: 2}]}"
    one = "kind: Service\nmetadata: {name: one}\nspec: {selector: {a: b}, ports: [{port: 1}]}"
    found, site = registry([*parse(two), *parse(one)]), PUBLIC
    assert targets(found, {"destination": {"host": "one"}}, site=site)[0].port == 1
    assert targets(found, {"destination": {"host": "two"}}, site=site)[0].port == 80
    assert targets(found, {"destination": {"host": "two", "port": {"number": 2}}}, site=site)[0].port == 2
    assert targets(found, {"destination": {"host": "nobody"}}, site=site)[0].port == 80


def test_an_open_port_is_the_one_that_was_called_at_a_sidecar() -> None:
    """Istio looks for the destination among the hosts that have this port, and at no others."""
    one = "kind: Service\nmetadata: {name: one}\nspec: {selector: {a: b}, ports: [{port: 1}]}"
    found = registry(parse(one))
    assert targets(found, {"destination": {"host": "one"}})[0].port == 80
    assert targets(found, {"destination": {"host": "one", "port": {"number": 1}}})[0].port == 1


def test_destinations_of_weight_zero_drop_out() -> None:
    """A single one takes everything whatever its weight."""
    found = registry(SHOP)
    a, b = (
        {"destination": {"host": "pharmacy", "subset": name}, "weight": weight}
        for name, weight in (("a", 100), ("b", 0))
    )
    assert [target.cluster for target in targets(found, a, b)] == [
        "outbound|80|a|pharmacy.shop.svc.cluster.local"
    ]
    assert len(targets(found, b)) == 1
