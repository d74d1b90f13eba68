"""Routes say what makes requests alike where a DestinationRule of their destination wants it."""

from __future__ import annotations

from typing import Any

from tests.mesh.mesh_objects import SHOP, decoded, parse, registry, rules, sidecar, translator

from laneway.mesh.registry import Registry
from laneway.mesh.resources import RDS
from laneway.mesh.tables import mesh_table

NAME = "pharmacy.shop.svc.cluster.local"
RULE = """
kind: DestinationRule
metadata: {name: pharmacy}
spec: {host: pharmacy, subsets: [{name: a, labels: {version: a}}, {name: b, labels: {version: b}}],
  trafficPolicy: {loadBalancer: {consistentHash: {%s}}}}
"""
OTHER_RULE = """
kind: DestinationRule
metadata: {name: green}
spec: {host: pharmacy-green, trafficPolicy: {loadBalancer: {consistentHash: {%s}}}}
"""


def actions(found: Registry, name: str = NAME) -> dict[str, Any]:
    """The actions of a host's routes by name, where these are a list: without lanes."""
    table = mesh_table(name, found)
    assert table is not None
    (host,) = decoded(table).virtual_hosts
    return {route.name: route.route for route in host.routes}


def without_lanes(rule: str) -> Registry:
    """The shop with one rule of weights, and this DestinationRule."""
    service, _, _, rules = SHOP.split("---\n")
    lines = [line for line in rules.splitlines() if "green" not in line]
    return registry("---\n".join([service, "\n".join(lines) + "\n", rule]))


def test_the_hash_is_of_what_the_rule_names() -> None:
    """For each destination of a route that has one."""
    (action,) = actions(without_lanes(RULE % "httpHeaderName: x-user")).values()
    assert [policy.header.header_name for policy in action.hash_policy] == ["x-user", "x-user"]
    (action,) = actions(without_lanes(RULE % "httpQueryParameterName: user")).values()
    assert [policy.query_parameter.name for policy in action.hash_policy] == ["user", "user"]
    (action,) = actions(without_lanes(RULE % "useSourceIp: true")).values()
    assert all(policy.connection_properties.source_ip for policy in action.hash_policy)
    (action,) = actions(without_lanes(RULE % "httpCookie: {name: stay, path: /p, ttl: 0s}")).values()
    cookie = action.hash_policy[0].cookie
    assert (cookie.name, cookie.path, cookie.HasField("ttl"), cookie.ttl.seconds) == ("stay", "/p", True, 0)
    (action,) = actions(without_lanes(RULE % "httpCookie: {name: stay}")).values()
    assert not action.hash_policy[0].cookie.HasField("ttl")


def test_a_retry_stays_at_the_endpoint() -> None:
    """As in Istio: nothing turns it away from the one it was at."""
    (action,) = actions(without_lanes(RULE % "httpHeaderName: x-user")).values()
    assert action.retry_policy.num_retries.value == 2
    assert not action.retry_policy.retry_host_predicate
    found = without_lanes(RULE % "httpHeaderName: x-user")
    for wanted, predicates in ((None, 0), (False, 0), (True, 1)):
        retries = {"attempts": 3, "retryIgnorePreviousHosts": wanted}
        found.upsert(
            rules({"route": [{"destination": {"host": "pharmacy", "subset": "a"}}], "retries": retries})
        )
        (action,) = actions(found).values()
        assert action.retry_policy.num_retries.value == 3
        assert len(action.retry_policy.retry_host_predicate) == predicates


def test_other_routes_have_none() -> None:
    """And no retry policy of their own."""
    (action,) = actions(registry(SHOP), "pharmacy-green.shop.svc.cluster.local").values()
    assert not action.hash_policy
    assert not action.HasField("retry_policy")


def test_a_host_without_rules_has_it_too() -> None:
    """Its one route is the default."""
    found = registry(SHOP + "---" + OTHER_RULE % "httpHeaderName: x-user")
    (action,) = actions(found, "pharmacy-green.shop.svc.cluster.local").values()
    assert action.hash_policy[0].header.header_name == "x-user"


def test_a_changed_hash_changes_the_routes_that_lead_there() -> None:
    """Those of the host, and those of others' rules to it; other policies change no route."""
    found = translator(SHOP, proxies=[sidecar()])
    found.take_changes()

    def changed(rule: str) -> set[str]:
        for value in parse(rule):
            found.upsert(value)
        layers = found.take_changes().layers.values()
        return {name for types in layers if RDS in types for name in types[RDS].changed}

    both = {f"mesh/{NAME}", "mesh/pharmacy-green.shop.svc.cluster.local"}
    assert changed(OTHER_RULE % "httpHeaderName: x-user") == both
    assert changed(OTHER_RULE % "httpHeaderName: x-other") == both
    assert changed(OTHER_RULE.replace("consistentHash: {%s}", "simple: RANDOM")) == both
    assert changed(OTHER_RULE.replace("consistentHash: {%s}", "simple: ROUND_ROBIN")) == set()
