"""Autoscaling on what pods really use: the cluster's own autoscaler, and the node's metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.lab.api import Object
from tests.lab.control_plane import ControlPlane
from tests.lab.node.metrics import Metrics
from tests.lab.node.node import Node
from tests.lab.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

BUSY = "while :; do i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; sleep 0.05; done"
"""Some tenths of a core."""


@pytest.fixture(scope="module")
async def metrics(lab: ControlPlane, node: Node) -> AsyncIterator[Metrics]:
    async with Metrics(lab, node) as serving:
        yield serving


def deployment(namespace: str, script: str) -> Object:
    labels = {"app": "one"}
    container = {
        "name": "main",
        "image": "any",
        "command": ["sh", "-c", script],
        "resources": {"requests": {"cpu": "20m"}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "one", "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
            },
        },
    }


def autoscaler(namespace: str) -> Object:
    target = {"type": "Utilization", "averageUtilization": 50}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "one", "namespace": namespace},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "one"},
            "minReplicas": 1,
            "maxReplicas": 3,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }


@pytest.mark.usefixtures("metrics")
async def test_an_autoscaler_makes_pods_for_what_a_busy_one_uses(lab: ControlPlane, namespace: str) -> None:
    await lab.apply([deployment(namespace, BUSY), autoscaler(namespace)])
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/one"

    async def grown() -> bool:
        return bool((await lab.api.get(path))["spec"]["replicas"] == 3)

    await until(grown, within_s=60)


@pytest.mark.usefixtures("metrics")
async def test_an_autoscaler_is_told_of_an_idle_pod(lab: ControlPlane, namespace: str) -> None:
    await lab.apply([deployment(namespace, "sleep 1000"), autoscaler(namespace)])
    path = f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers/one"

    async def measured() -> int | None:
        metrics = (await lab.api.get(path)).get("status", {}).get("currentMetrics") or [{}]
        current = metrics[0].get("resource", {}).get("current", {})
        return None if "averageUtilization" not in current else int(current["averageUtilization"])

    async def known() -> bool:
        return await measured() is not None

    await until(known)
    assert (await measured() or 0) < 50
