"""DestinationRules of one host are merged, and resolved for a port and a subset."""

from __future__ import annotations

from datetime import timedelta

from tests.mesh.mesh_objects import parse

from laneway.mesh.policy import DEFAULTS, Policy, Settings, merged
from laneway.spec.istio import DestinationRule


def policy(*specs: str) -> Policy:
    """The merge of DestinationRules that are named a, b, … in this order."""
    texts = [
        f"kind: DestinationRule\nmetadata: {{name: {name}}}\nspec: {spec}"
        for name, spec in zip("abc", specs, strict=False)
    ]
    found = [value for text in texts for value in parse(text) if isinstance(value, DestinationRule)]
    return merged(reversed(found))


def balancer(settings: Settings) -> str:
    """The simple balancer, by name; empty for Istio's default."""
    return settings.load_balancer.simple if settings.load_balancer else ""


def test_the_older_rules_subset_and_policy_count() -> None:
    """Subsets of both are there, the same name once."""
    found = policy(
        "{host: h, trafficPolicy: {loadBalancer: {simple: RANDOM}}, subsets: [{name: s1, labels: {v: a}}]}",
        "{host: h, trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}},"
        " subsets: [{name: s1, labels: {v: b}}, {name: s2, labels: {v: c}}]}",
    )
    assert balancer(found.settings(80)) == "RANDOM"
    assert [(subset.name, dict(subset.labels)) for subset in found.subsets] == [
        ("s1", {"v": "a"}),
        ("s2", {"v": "c"}),
    ]


def test_a_rule_without_policy_leaves_it_to_a_newer_one() -> None:
    """The first that has one decides."""
    found = policy(
        "{host: h, subsets: [{name: s}]}", "{host: h, trafficPolicy: {loadBalancer: {simple: RANDOM}}}"
    )
    assert balancer(found.settings(80)) == "RANDOM"
    assert found.subset("s") is not None
    assert found.subset("t") is None


def test_without_a_policy_the_defaults_hold() -> None:
    """Also for a subset that says nothing, or is not there."""
    found = policy("{host: h, subsets: [{name: s}]}")
    assert found.settings(80) == found.settings(80, "s") == found.settings(80, "t") == DEFAULTS


def test_fields_are_resolved_as_istio_does() -> None:
    """A port's settings replace everything; a subset's replace field by field, but those of a port all.

    The table is what Istio's control plane gave for these rules.
    """
    found = policy("""
      host: h
      trafficPolicy:
        connectionPool: {tcp: {maxConnections: 5, connectTimeout: 2s}, http: {http2MaxRequests: 7}}
        outlierDetection: {consecutive5xxErrors: 3}
        loadBalancer: {simple: ROUND_ROBIN}
        portLevelSettings: [{port: {number: 81}, connectionPool: {http: {http2MaxRequests: 9}}}]
      subsets:
      - {name: s1, trafficPolicy: {loadBalancer: {simple: RANDOM}}}
      - name: s2
        trafficPolicy:
          portLevelSettings:
          - {port: {number: 80}, loadBalancer: {consistentHash: {httpHeaderName: x-user}}}
    """)

    def told(port: int, subset: str = "") -> tuple[str, int, timedelta | None, bool]:
        settings = found.settings(port, subset)
        pool = settings.connection_pool
        http, tcp = (pool.http, pool.tcp) if pool else (None, None)
        requests, connect = http.http2_max_requests if http else 0, tcp.connect_timeout if tcp else None
        kind = "hash" if settings.hashed else balancer(settings)
        return kind, requests, connect, settings.outlier_detection is not None

    assert told(80) == ("ROUND_ROBIN", 7, timedelta(seconds=2), True)
    assert told(81) == ("", 9, None, False)
    assert told(80, "s1") == ("RANDOM", 7, timedelta(seconds=2), True)
    assert told(81, "s1") == ("RANDOM", 9, None, False)
    assert told(80, "s2") == ("hash", 0, None, False)
    assert told(81, "s2") == ("", 9, None, False)
