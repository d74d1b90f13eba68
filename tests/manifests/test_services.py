"""What holds for connections to an app holds for every version of it."""

from __future__ import annotations

from typing import Any

from laneway.manifests.render import render
from laneway.spec.check import check_objects
from laneway.spec.istio import DestinationRule
from laneway.spec.load import Source, load

POLICY = """{
  loadBalancer: {consistentHash: {httpCookie: {name: stay, path: /, ttl: 60s}, maglev: {tableSize: 251}}},
  connectionPool: {tcp: {maxConnections: 5, connectTimeout: 2s}, http: {http1MaxPendingRequests: 1}},
  outlierDetection: {consecutive5xxErrors: 3, interval: 10s},
  retryBudget: {percent: 30},
  portLevelSettings: [{port: {number: 80}, loadBalancer: {simple: RANDOM}}]}"""
TEXT = """
apiVersion: laneway.dev/v1alpha1
kind: App
metadata: {name: pharmacy, namespace: shop}
spec:
  workload:
    template: {spec: {containers: [{name: a, image: "a:1", ports: [{containerPort: 80}]}]}}
  service: {ports: [{name: http, port: 80}]}
  routing: {trafficPolicy: %s}
---
apiVersion: laneway.dev/v1alpha1
kind: Lane
metadata: {name: green, namespace: shop}
spec: {apps: [{name: pharmacy, image: "a:2"}]}
"""
MINE = """---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: pharmacy-green, namespace: shop}
spec: {host: courier.example}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: courier, namespace: shop}
spec: {hosts: [courier.example], ports: [{number: 80, name: http}]}
"""


def rules(text: str) -> dict[str, dict[str, Any]]:
    """The DestinationRules that are written for these files, by name."""
    loaded = load([Source("a.yaml", text)])
    assert loaded.problems == ()
    return {
        each["metadata"]["name"]: each for each in render(loaded.spec) if each["kind"] == "DestinationRule"
    }


def test_a_policy_is_passed_on_as_it_was_written() -> None:
    """To the app's host, and to that of each lane's version, which has no subsets."""
    found = rules(TEXT % POLICY)
    assert set(found) == {"pharmacy", "pharmacy-green"}
    written = found["pharmacy"]["spec"]["trafficPolicy"]
    assert DestinationRule.model_validate(found["pharmacy"]).written()["spec"]["trafficPolicy"] == written
    assert set(written) == {
        "loadBalancer",
        "connectionPool",
        "outlierDetection",
        "retryBudget",
        "portLevelSettings",
    }
    assert written["outlierDetection"] == {"consecutive5xxErrors": 3, "interval": "10s"}
    assert found["pharmacy-green"]["spec"] == {
        "host": "pharmacy-green.shop.svc.cluster.local",
        "trafficPolicy": written,
    }


def test_without_a_policy_a_lane_needs_no_rule() -> None:
    """The defaults hold."""
    assert set(rules(TEXT.replace("trafficPolicy: %s", ""))) == {"pharmacy"}


def test_the_name_of_a_lanes_rule_is_taken_where_there_is_one() -> None:
    """And free otherwise."""
    for text, codes in ((TEXT % POLICY, ["LW307"]), (TEXT.replace("trafficPolicy: %s", ""), [])):
        objects = load([Source("a.yaml", text + MINE)]).objects
        assert [problem.code.id for problem in check_objects(objects)] == codes
