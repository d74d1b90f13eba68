"""The controller's Deployment, and its pod as a real API server takes it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kubernetes.install.cluster import Cluster
from tests.lab.istiod import AUDIENCE as ISTIODS_AUDIENCE

from laneway.kubernetes.install.deployment import REPLICAS, deployment
from laneway.kubernetes.places import AUDIENCE, TOKENS

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


def objects() -> dict[str, dict[str, Any]]:
    """What is made, by kind."""
    return {each["kind"]: each for each in deployment("istio-system", "laneway:test")}


def pod() -> dict[str, Any]:
    """The template of its pods."""
    template: dict[str, Any] = objects()["Deployment"]["spec"]["template"]
    return template


def test_everything_selects_the_pods_of_the_controller() -> None:
    """And no others: labels of the template are among those selected."""
    made, labels = objects(), pod()["metadata"]["labels"]
    for selector in (
        made["Deployment"]["spec"]["selector"]["matchLabels"],
        made["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        made["Service"]["spec"]["selector"],
        pod()["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()


def test_one_pod_stays_when_a_node_is_drained() -> None:
    """Two run, and one may go."""
    assert objects()["Deployment"]["spec"]["replicas"] == REPLICAS == 2
    assert objects()["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1


def test_the_controller_has_no_sidecar() -> None:
    """It asks istiod who is confirmed: it must not wait for istiod to start."""
    assert pod()["metadata"]["labels"]["sidecar.istio.io/inject"] == "false"


def test_ports_of_probes_and_metrics_are_declared() -> None:
    """By name."""
    container = pod()["spec"]["containers"][0]
    names = {port["name"] for port in container["ports"]}
    asked = {container[probe]["httpGet"]["port"] for probe in ("readinessProbe", "livenessProbe")}
    served = {port["targetPort"] for port in objects()["Service"]["spec"]["ports"]}
    assert asked | served == names


def test_the_token_is_one_that_istiod_takes() -> None:
    """For its audience, and where the controller looks for it."""
    volumes = {volume["name"]: volume for volume in pod()["spec"]["volumes"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in pod()["spec"]["containers"][0]["volumeMounts"]}
    token = volumes["istio-token"]["projected"]["sources"][0]["serviceAccountToken"]
    assert token["audience"] == AUDIENCE == ISTIODS_AUDIENCE
    assert mounts["istio-token"] == TOKENS
    assert mounts.keys() == volumes.keys()


@pytest.mark.cluster
async def test_the_pod_keeps_to_the_strictest_standard(cluster: Cluster, namespace: str) -> None:
    """A namespace that enforces `restricted` takes it, and refuses it with any right more."""
    labelled = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": namespace, "labels": RESTRICTED},
    }
    await cluster.lab.apply(labelled)
    made = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "laneway", "namespace": namespace},
        "spec": pod()["spec"],
    }
    assert await cluster.refusal(made) == ""
    container = {**made["spec"]["containers"][0], "securityContext": {"allowPrivilegeEscalation": True}}
    wider = made | {"spec": made["spec"] | {"containers": [container]}}
    assert "restricted" in await cluster.refusal(wider)
