"""A pod as people see it, of one machine or of a cluster."""

from __future__ import annotations

from typing import Any

import pytest

from laneway.cli.pod_body import PodBody

WAITING = {"containerStatuses": [{"restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}


def pod(status: dict[str, Any], **metadata: Any) -> PodBody:
    """A pod."""
    return PodBody(
        {"kind": "Pod", "metadata": {"name": "p", "namespace": "shop", **metadata}, "status": status}
    )


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ({"stage": "Draining"}, "Draining"),
        ({"phase": "Pending"}, "Starting"),
        ({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}, "Ready"),
        ({"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}, "NotReady"),
        ({"phase": "Running"} | WAITING, "CrashLoopBackOff"),
        ({"phase": "Failed"}, "Failed"),
    ],
)
def test_its_stage_is_a_word(status: dict[str, Any], stage: str) -> None:
    """As the engine says it, or by what a kubelet says."""
    assert pod(status).stage == stage


def test_a_pod_whose_end_was_asked_for_drains() -> None:
    """Ready or not."""
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    assert pod(ready, deletionTimestamp="2030-01-01T00:00:00Z").stage == "Draining"


def test_restarts_are_those_of_its_containers() -> None:
    """Or the engine's own count."""
    assert (pod(WAITING).restarts, pod({"restartCount": 2}).restarts) == (3, 2)


def test_its_deployment_is_behind_its_replica_set() -> None:
    """Or named by a label, on one machine."""
    owner = {"kind": "ReplicaSet", "name": "pharmacy-a-77"}
    made = pod({}, ownerReferences=[owner], labels={"pod-template-hash": "77"})
    assert made.deployment == "pharmacy-a"
    assert pod({}, labels={"laneway.dev/deployment": "worker"}).deployment == "worker"
