"""Route tables that do not depend on names: equal where requests are treated alike, else not."""

from __future__ import annotations

import pytest
from tests.adoption.systems import GATEWAY, deployment, policy, read, rule, rules, service, to

from laneway.adoption.tables import Place, Pods, Table, tables

BASE = (service("ratings"), deployment("ratings"), service("page"), deployment("page"), GATEWAY)


def table_of(*texts: str) -> dict[Place, Table]:
    """The tables of the base system with these objects; pods are named as there."""
    return tables(read(*BASE, *texts), Pods.of(read(*BASE)))


def test_names_of_rules_and_subsets_make_no_difference() -> None:
    """Neither does a single destination's weight."""
    one = policy("ratings", "subsets: [{name: v1, labels: {version: v1}}]")
    other = policy("ratings", "subsets: [{name: one, labels: {app: ratings}}]")
    plain = table_of(rules("ratings", f"[{rule(to('ratings'))}]"))
    assert plain == table_of()
    for text, name in ((one, "v1"), (other, "one")):
        named = rule(to("ratings", f", subset: {name}", weight=7), rest="name: all, ")
        assert table_of(text, rules("ratings", f"[{named}]")) == plain


UNKNOWN = policy("ratings", "subsets: [{name: none, labels: {version: none}}]")


@pytest.mark.parametrize(
    "texts",
    [
        (rules("ratings", f"[{rule(to('page'))}]"),),
        (rules("ratings", f"[{rule(to('ratings'), rest='timeout: 3s, ')}]"),),
        (rules("ratings", f"[{rule(to('ratings'), match='{uri: {prefix: /a}}')}]"),),
        (rules("ratings", f"[{rule(to('ratings'), to('page', weight=3))}]"),),
        (rules("entry", f"[{rule(to('page'))}]", "shop.example", "[public]"),),
        (policy("ratings", "trafficPolicy: {loadBalancer: {simple: RANDOM}}"),),
        (service("labs"), deployment("labs")),
        (deployment("ratings", "v2"),),
        (UNKNOWN, rules("ratings", f"[{rule(to('ratings', ', subset: none'))}]")),
    ],
)
def test_everything_that_a_request_could_tell_makes_a_difference(texts: tuple[str, ...]) -> None:
    """Destinations, shares, conditions, timeouts, policies, hosts, and pods."""
    assert table_of(*texts) != table_of()


def test_mirrors_are_compared_by_their_full_names() -> None:
    """Whether these are written or not."""
    short, full = (
        table_of(rules("ratings", f"[{rule(to('ratings'), rest=f'mirror: {{host: {host}}}, ')}]"))
        for host in ("page", "page.shop.svc.cluster.local")
    )
    assert short == full != table_of()


def test_rules_for_certain_callers_are_read_for_each_caller() -> None:
    """A label of the calling pods decides."""
    texts = [
        rules("ratings", f"[{rule(to(host), match='{sourceLabels: {app: page}}')}, {rule(to('ratings'))}]")
        for host in ("page", "ratings")
    ]
    first, second = (tables(given := read(*BASE, text), Pods.of(given)) for text in texts)
    place = ("ratings.shop.svc.cluster.local", 9080)
    assert first["mesh", *place] == second["mesh", *place]
    assert first["shop/page-v1", *place] != second["shop/page-v1", *place]
    assert first["shop/ratings-v1", *place] == second["shop/ratings-v1", *place]


def test_a_deployment_without_replicas_serves_nothing() -> None:
    """As on any engine."""
    idle = tables(read(service("ratings"), deployment("ratings", replicas=0)), Pods.of(read(*BASE)))
    ((rule,),) = idle.values()
    assert [way.pods for way in rule.ways] == [()]
