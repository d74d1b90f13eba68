"""The registry answers from all objects together, and records what a change makes stale."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.mesh.mesh_objects import SHOP, parse, pod, registry, rules

from laneway.mesh.registry import Registry
from laneway.spec.meta import Key

NAME = "pharmacy.shop.svc.cluster.local"
ENTRY = """
kind: ServiceEntry
metadata: {name: e, namespace: other}
spec: {hosts: [HOST], ports: [{number: 80, name: http}]}
"""


def fresh(text: str) -> Registry:
    """A registry with nothing stale."""
    found = registry(text)
    found.take_stale()
    return found


def test_names_lead_to_their_host() -> None:
    """The bare name in its own namespace only."""
    found = registry(SHOP)
    for name in ("pharmacy.shop", "pharmacy.shop.svc", NAME, f"{NAME}."):
        assert found.called(name, "other") == NAME
    assert found.called("pharmacy", "shop") == NAME
    assert found.called("pharmacy", "other") is None


def test_a_host_of_its_own_hides_an_alias() -> None:
    """And gives it back when it goes."""
    found = registry(SHOP + "---" + ENTRY.replace("HOST", "pharmacy.shop"))
    assert found.called("pharmacy.shop", "shop") == "pharmacy.shop"
    found.delete("ServiceEntry", Key("other", "e"))
    assert found.called("pharmacy.shop", "shop") == NAME


def test_a_service_is_the_host_before_an_entry() -> None:
    """The entry is told to have no effect, until the Service goes."""
    found = registry(ENTRY.replace("HOST", NAME) + "---" + SHOP)
    host = found.host(NAME)
    assert host is not None
    assert host.kind == "Service"
    assert [(value.kind, value.key) for value in found.shadowed()] == [("ServiceEntry", Key("other", "e"))]
    found.delete("Service", Key("shop", "pharmacy"))
    host = found.host(NAME)
    assert host is not None
    assert host.kind == "ServiceEntry"
    assert found.called("pharmacy", "shop") is None


def test_the_oldest_rules_govern_a_mesh_host() -> None:
    """Whatever the order in which they came; the other is told to have no effect."""
    newer = rules({"name": "newer"}, name="a", hosts=[NAME])
    born = newer.metadata.model_copy(update={"creation_timestamp": datetime(2026, 1, 1, tzinfo=UTC)})
    found = registry([newer.model_copy(update={"metadata": born}), *parse(SHOP)])
    governing = found.rules_of(NAME)
    assert governing is not None
    assert governing.key == Key("shop", "pharmacy")
    assert [value.key for value in found.shadowed()] == [Key("shop", "a")]
    found.delete("VirtualService", Key("shop", "pharmacy"))
    assert found.rules_of(NAME) == newer.model_copy(update={"metadata": born})


def test_destination_rules_count_in_the_hosts_namespace() -> None:
    """Those for callers elsewhere are told to have no effect."""
    foreign = parse(f"kind: DestinationRule\nmetadata: {{name: d, namespace: other}}\nspec: {{host: {NAME}}}")
    found = registry([*parse(SHOP), *foreign])
    host = found.host(NAME)
    assert host is not None
    assert found.policy(host).rules == (Key("shop", "pharmacy"),)
    assert [(value.kind, value.key) for value in found.shadowed()] == [("DestinationRule", Key("other", "d"))]


def test_an_object_that_says_nothing_new_makes_nothing_stale() -> None:
    """Labels, annotations and versions change no proxy."""
    found = fresh(SHOP)
    for value in parse(SHOP):
        relabelled = value.metadata.model_copy(update={"labels": {"a": "b"}, "resource_version": "7"})
        assert not found.upsert(value.model_copy(update={"metadata": relabelled}))
    assert found.take_stale() == Registry().take_stale()


def test_changed_rules_make_their_own_host_stale_and_nothing_else() -> None:
    """No cluster, no endpoint, no name."""
    found = fresh(SHOP)
    assert found.upsert(rules({"route": [{"destination": {"host": "pharmacy"}}]}))
    stale = found.take_stale()
    assert (stale.routes, stale.rules) == ({NAME}, {Key("shop", "pharmacy")})
    assert not (stale.names or stale.short_names or stale.clusters or stale.endpoints or stale.gateways)


def test_rules_that_leave_the_port_open_follow_their_destination() -> None:
    """A Service with other ports changes where they lead."""
    found = fresh(SHOP)
    green = parse(SHOP.replace("name: http, port: 80", "name: http, port: 81"))[1]
    found.upsert(green)
    assert NAME in found.take_stale().routes


def test_a_changed_pod_makes_endpoints_stale() -> None:
    """Of the hosts that select it."""
    found = fresh(SHOP)
    assert found.set_pods([pod("one", {"lane": "green"})])
    stale = found.take_stale()
    assert stale.endpoints == {"pharmacy-green.shop.svc.cluster.local"}
    assert not (stale.routes or stale.clusters)


def test_an_unknown_object_is_deleted_without_ado() -> None:
    """There is nothing to forget."""
    assert not Registry().delete("Service", Key("shop", "nobody"))


def test_a_wildcard_governs_what_no_rule_names() -> None:
    """The longest that covers a host, in the host's namespace; the others are told to have no effect."""
    rule = "kind: DestinationRule\nmetadata: {name: %s, namespace: %s}\nspec: {host: '%s'}"
    given = [("all", "shop", "*"), ("shop", "shop", "*.shop.svc.cluster.local"), ("away", "other", "*.local")]
    found = registry([*parse(SHOP), *(parse(rule % each)[0] for each in given)])
    green = found.host("pharmacy-green.shop.svc.cluster.local")
    named = found.host(NAME)
    assert green is not None and named is not None
    assert found.policy(green).rules == (Key("shop", "shop"),)
    assert found.policy(named).rules == (Key("shop", "pharmacy"),)
    assert {(value.key.name, value.host) for value in found.shadowed()} == {
        ("all", green.name),
        ("all", NAME),
        ("shop", NAME),
    }
    found.take_stale()
    found.delete("DestinationRule", Key("shop", "shop"))
    assert found.take_stale().clusters == {NAME, green.name}
    assert found.policy(green).rules == (Key("shop", "all"),)
