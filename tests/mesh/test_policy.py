"""DestinationRules of one host are merged."""

from __future__ import annotations

from tests.mesh.mesh_objects import parse

from laneway.mesh.policy import Policy, merged
from laneway.spec.istio import DestinationRule


def policy(*specs: str) -> Policy:
    """The merge of DestinationRules that are named a, b, … in this order."""
    texts = [
        f"kind: DestinationRule\nmetadata: {{name: {name}}}\nspec: {spec}"
        for name, spec in zip("abc", specs, strict=False)
    ]
    found = [value for text in texts for value in parse(text) if isinstance(value, DestinationRule)]
    return merged(reversed(found))


def test_the_older_rules_subset_and_policy_count() -> None:
    """Subsets of both are there, the same name once."""
    found = policy(
        "{host: h, trafficPolicy: {loadBalancer: {simple: RANDOM}}, subsets: [{name: s1, labels: {v: a}}]}",
        "{host: h, trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}},"
        " subsets: [{name: s1, labels: {v: b}}, {name: s2, labels: {v: c}}]}",
    )
    assert found.balancer == "RANDOM"
    assert [(subset.name, dict(subset.labels)) for subset in found.subsets] == [
        ("s1", {"v": "a"}),
        ("s2", {"v": "c"}),
    ]


def test_a_subset_overrides_the_balancer() -> None:
    """Others inherit it."""
    found = policy(
        "{host: h, trafficPolicy: {loadBalancer: {simple: RANDOM}}, subsets:"
        " [{name: s1, trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}}}, {name: s2}]}"
    )
    assert [subset.balancer for subset in found.subsets] == ["ROUND_ROBIN", "RANDOM"]


def test_a_rule_without_policy_leaves_it_to_a_newer_one() -> None:
    """The first that has one decides."""
    found = policy(
        "{host: h, subsets: [{name: s}]}", "{host: h, trafficPolicy: {loadBalancer: {simple: RANDOM}}}"
    )
    assert found.balancer == "RANDOM"
    assert found.subset("s") is not None
    assert found.subset("t") is None
