"""Admission policies, as a real API server holds them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kubernetes.install.cluster import Cluster, app
from tests.lab.api import Object

from laneway.kubernetes.install.admission import DERIVED, MAY_BE_DELETED, policies
from laneway.kubernetes.install.bundle import Options, bundle
from laneway.manifests.names import APP, LANEWAY, MANAGED_BY

pytestmark = pytest.mark.cluster


def steps(*written: Object) -> Object:
    """An App with these steps."""
    return app(release={"steps": list(written)})


def weights(*written: Any) -> Object:
    """An App with steps of these weights."""
    return steps(*({"weight": weight} for weight in written))


def targets(target: Object) -> Object:
    """An App that scales to this target."""
    metric = {"type": "Resource", "resource": {"name": "cpu", "target": target}}
    return app(scale={"min": 1, "max": 5, "metrics": [metric]})


WRONG = [
    (weights(20, 20, 100), "rise from step to step (LW224)"),
    (weights("20%", 10, 100), "rise from step to step (LW224)"),
    (weights(9, "10.5", 10, 100), "rise from step to step (LW224)"),
    (weights(20, 50), "the last weight of spec.release.steps is 100 (LW224)"),
    (weights(True, 100), "ValidatingAdmissionPolicy 'laneway-apps'"),
    (steps({"weight": 20, "limit": "90s"}, {"weight": 100}), "its `limit` is at least 2m (LW225)"),
    (targets({"type": "AverageValue", "averageUtilization": 80}), "the field that its `type` names"),
    (
        targets({"type": "Utilization", "averageUtilization": 80, "value": 2}),
        "the field that its `type` names",
    ),
    (app(workload={"deployment": "pharmacy-0123456789"}), "that Laneway derives from this App"),
]
RIGHT = [
    weights(0.5, "20%", 50.25, "100.00"),
    weights(100),
    weights(" 9 %", "10", 100),
    steps({"weight": 20, "limit": "2m"}, {"weight": "100%", "limit": "1s"}),
    steps({"weight": 20, "hold": "0s", "limit": "1s"}, {"weight": 100}),
    targets({"type": "AverageValue", "averageValue": "500m"}),
    app(workload={"deployment": "pharmacy-green"}),
    app(release={}),
]


def derived(name: str, namespace: str) -> Object:
    """A ConfigMap that bears the label of what Laneway derives."""
    labels = {MANAGED_BY: LANEWAY, APP: "pharmacy"}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
    }


@pytest.mark.parametrize("name", ["laneway-apps", "laneway-kinds", "laneway-derived"])
async def test_policies_are_well_typed(cluster: Cluster, name: str) -> None:
    """Kubernetes finds no field in an expression that an object does not have."""
    checked = await cluster.policy_status(name)
    assert checked.get("typeChecking", {}) == {}


@pytest.mark.parametrize(("wrong", "message"), WRONG)
async def test_apps_that_cannot_be_released_are_refused(
    cluster: Cluster, wrong: Object, message: str
) -> None:
    """By what no schema can say."""
    assert message in await cluster.refusal(wrong)


@pytest.mark.parametrize("right", RIGHT)
async def test_apps_that_can_be_released_are_taken(cluster: Cluster, right: Object) -> None:
    """A weight is a number or a text, with or without a percent sign."""
    assert await cluster.refusal(right) == ""


async def test_kinds_are_not_deleted_by_the_way(cluster: Cluster) -> None:
    """Every App would go with them. Who means it says so, on the definition."""
    api, path = cluster.lab.api, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/lanes.laneway.dev"
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "lanes.laneway.dev"},
    }
    refusal = await cluster.deletion_refusal(definition)
    assert refusal.endswith(f"kubectl annotate crd lanes.laneway.dev {MAY_BE_DELETED}=true")
    for value, refused in (("true", False), (None, True)):
        meant = {"metadata": {"annotations": {MAY_BE_DELETED: value}}}
        await api.request("PATCH", path, meant, content="application/merge-patch+json")
        assert bool(await cluster.deletion_refusal(definition)) == refused


async def test_other_kinds_may_be_deleted(cluster: Cluster) -> None:
    """They are none of ours."""
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "sidecars.networking.istio.io"},
    }
    assert await cluster.deletion_refusal(definition) == ""


async def test_who_changes_what_is_derived_is_warned_and_may(cluster: Cluster, namespace: str) -> None:
    """The warning says where to change it."""
    await cluster.lab.apply(derived("routes", namespace))
    label = ("label", "configmap", "routes", "-n", namespace, "a=b")
    assert "Laneway derives ConfigMap routes from App pharmacy" in await cluster.complaints(*label)
    gone = await cluster.complaints("delete", "configmap", "routes", "-n", namespace)
    assert "change that instead" in gone


async def test_nobody_is_warned_of_other_objects(cluster: Cluster, namespace: str) -> None:
    """Not even where they have labels of their own."""
    mine = derived("mine", namespace)
    mine["metadata"]["labels"] = {MANAGED_BY: "helm"}
    await cluster.lab.apply(mine)
    assert await cluster.complaints("label", "configmap", "mine", "-n", namespace, "a=b") == ""


async def test_laneway_itself_is_not_warned(cluster: Cluster, namespace: str) -> None:
    """What it derives is its own."""
    await cluster.lab.apply(derived("routes", namespace))
    kubeconfig = await cluster.lab.service_account_kubeconfig("istio-system", LANEWAY)
    label = ("label", "configmap", "routes", "-n", namespace, "a=b")
    assert await cluster.complaints(*label, kubeconfig=kubeconfig) == ""


def test_what_is_certain_is_refused_and_the_rest_is_warned_of() -> None:
    """No policy in force keeps a person from repairing things by hand."""
    bindings = [each for each in policies("istio-system") if each["kind"].endswith("Binding")]
    actions = {each["metadata"]["name"]: each["spec"]["validationActions"] for each in bindings}
    assert actions == {
        "laneway-apps": ["Deny"],
        "laneway-kinds": ["Deny"],
        "laneway-derived": ["Warn", "Audit"],
    }


def test_nothing_that_is_installed_looks_derived() -> None:
    """Laneway would take it for its own, and remove what is not in a plan."""
    for obj in bundle(Options(image="laneway:test")):
        assert MANAGED_BY not in obj["metadata"].get("labels", {})


def test_every_kind_that_laneway_derives_is_watched_over() -> None:
    """By the names of the resources."""
    from laneway.control.changes import DERIVED_KINDS
    from laneway.kubernetes.api.kinds import RESOURCES

    watched = {(group, plural) for (group, _), resources in DERIVED.items() for plural in resources}
    assert {(RESOURCES[kind].group, RESOURCES[kind].plural) for kind in DERIVED_KINDS} <= watched
