"""Names are read as Istio reads them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.mesh.mesh_objects import rules

from laneway.mesh.names import age, gateways_of, hosts_of, intersection
from laneway.spec.naming import covers, full_gateway, full_host


def test_a_name_without_a_dot_is_a_service_of_the_namespace() -> None:
    """Everything else stands as it is, in lower case."""
    assert full_host("Pharmacy", "shop") == "pharmacy.shop.svc.cluster.local"
    assert full_host("pharmacy.other", "shop") == "pharmacy.other"
    assert full_host("*", "shop") == "*"


def test_gateways_are_relative_to_the_namespace() -> None:
    """Except `mesh` and those with a namespace of their own."""
    assert full_gateway("public", "shop") == full_gateway("./public", "shop") == "shop/public"
    assert full_gateway("infra/public", "shop") == "infra/public"
    assert full_gateway("mesh", "shop") == "mesh"


def test_rules_without_gateways_are_for_sidecars() -> None:
    """Istio's default."""
    assert gateways_of(rules({})) == {"mesh"}
    assert gateways_of(rules({}, gateways=["a", "mesh"])) == {"shop/a", "mesh"}


def test_hosts_are_named_once() -> None:
    """The short and the full name are one host."""
    assert hosts_of(rules({}, hosts=["a", "a.shop.svc.cluster.local"])) == ("a.shop.svc.cluster.local",)


def test_age_is_creation_then_name() -> None:
    """Objects without a creation time come first, by name."""
    older, newer = rules({}, name="b"), rules({}, name="a")
    born = newer.metadata.model_copy(update={"creation_timestamp": datetime(2026, 1, 1, tzinfo=UTC)})
    assert age(newer) < age(older)
    assert age(older) < age(newer.model_copy(update={"metadata": born}))


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [
        ("a.example", "a.example", "a.example"),
        ("*", "a.example", "a.example"),
        ("*.example", "a.example", "a.example"),
        ("*.a.example", "*.example", "*.a.example"),
        ("*.example", "example", None),
        ("a.example", "b.example", None),
    ],
)
def test_patterns_meet_in_the_more_specific_one(one: str, other: str, common: str | None) -> None:
    """Whichever of the two it is."""
    assert intersection(one, other) == intersection(other, one) == common


def test_a_suffix_does_not_cover_its_own_parent() -> None:
    """`*.example` means at least one more label."""
    assert covers("*.example", "a.b.example")
    assert not covers("*.example", "example")
