"""`laneway scale`: what is written, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from tests.cli.conftest import Daemon, Laneway
from tests.cli.statuses import app, status

REQUESTS = {
    "type": "Pods",
    "pods": {
        "metric": {"name": "requests_per_second"},
        "target": {"type": "AverageValue", "averageValue": "9"},
    },
}
AUTOSCALED = {"min": 2, "max": 9, "metrics": [REQUESTS]}
WORKLOAD = {
    "namespace": "shop", "name": "worker", "ready": True, "replicas": {"wanted": 1, "pods": 1, "ready": 1},
}  # fmt: skip


def stored(daemon: Daemon, kind: str, name: str, spec: dict[str, Any]) -> None:
    """As if this had been applied, and the daemon had seen it."""
    metadata = {"name": name, "namespace": "shop", "uid": "1", "resourceVersion": "7"}
    daemon.stores({"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec})
    daemon.says(status(apps=[app()], workloads=[WORKLOAD]))


def applied(daemon: Daemon) -> dict[str, Any]:
    """The one object that was applied."""
    (asked,) = daemon.asked("apply")
    (body,) = asked["objects"]
    assert body["metadata"] == {"name": body["metadata"]["name"], "namespace": "shop"}
    found: dict[str, Any] = body
    return found


@pytest.mark.parametrize(
    ("before", "words", "after"),
    [
        ({}, ["--replicas", "4"], {"replicas": 4}),
        ({"min": 2, "max": 9, "surge": "50%"}, ["--replicas", "4"], {"surge": "50%", "replicas": 4}),
        (AUTOSCALED, ["--max", "20"], AUTOSCALED | {"max": 20}),
        ({"replicas": 4}, ["--min", "2", "--max", "3"], {"min": 2, "max": 3}),
    ],
)  # fmt: skip
def test_the_app_says_its_new_size(
    daemon: Daemon, laneway: Laneway, before: dict[str, Any], words: list[str], after: dict[str, Any]
) -> None:
    """Everything else of it stays."""
    stored(daemon, "App", "pharmacy", {"workload": {"deployment": "pharmacy"}, "scale": before})
    done = laneway("scale", "pharmacy", *words, "-o", "json")
    assert done.code == 0, done.err
    assert applied(daemon)["spec"] == {"workload": {"deployment": "pharmacy"}, "scale": after}
    assert done.json["name"] == "pharmacy"


def test_a_deployment_outside_any_app_has_replicas_and_its_autoscaler_bounds(
    daemon: Daemon, laneway: Laneway
) -> None:
    """As kubectl changes them."""
    stored(daemon, "Deployment", "worker", {"template": {}})
    assert laneway("scale", "worker", "--replicas", "3").code == 0
    assert applied(daemon)["spec"] == {"template": {}, "replicas": 3}
    refused = laneway("scale", "worker", "--max", "9")
    assert refused.code == 1 and "has no autoscaler" in refused.err
    stored(
        daemon, "HorizontalPodAutoscaler", "busy", {"scaleTargetRef": {"name": "worker"}, "maxReplicas": 4}
    )
    assert laneway("scale", "worker", "--max", "9").code == 0
    assert applied(daemon)["spec"] == {"scaleTargetRef": {"name": "worker"}, "maxReplicas": 9}


def test_a_fixed_size_is_refused_where_an_autoscaler_decides(daemon: Daemon, laneway: Laneway) -> None:
    """It would be changed again at once; the remedy says how to hold it."""
    stored(daemon, "App", "pharmacy", {"workload": {}, "scale": {"min": 1, "max": 9, "metrics": [REQUESTS]}})
    done = laneway("scale", "pharmacy", "--replicas", "4")
    assert done.code == 1
    assert "laneway scale pharmacy --min 4 --max 4" in done.err
    assert daemon.asked("apply") == []


@pytest.mark.parametrize("words", [[], ["--replicas", "2", "--max", "3"]])
def test_size_and_bounds_exclude_each_other(laneway: Laneway, words: list[str]) -> None:
    """One of them has to be said."""
    done = laneway("scale", "pharmacy", *words)
    assert done.code == 2 and "either --replicas, or --min and --max" in done.err
