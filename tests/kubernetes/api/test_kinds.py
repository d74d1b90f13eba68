"""Where objects are, against what defines their kinds."""

from __future__ import annotations

from itertools import groupby

import pytest
import yaml
from tests.kubernetes.api.running_server import RunningServer
from tests.lab import cache

from laneway.kubernetes.api.kinds import RESOURCES

OURS = "laneway.dev"
ISTIO = "networking.istio.io"
KEDA = "keda.sh"


def test_paths_are_those_of_the_api_server() -> None:
    """Of one object, a part of it, all of a namespace, all of the cluster."""
    pods, deployments, meshes = RESOURCES["Pod"], RESOURCES["Deployment"], RESOURCES["Mesh"]
    assert pods.path() == pods.path("") == "/api/v1/pods"
    assert pods.path("shop") == "/api/v1/namespaces/shop/pods"
    assert (
        deployments.path("shop", "pharmacy", "scale")
        == "/apis/apps/v1/namespaces/shop/deployments/pharmacy/scale"
    )
    assert (
        meshes.path("", "default")
        == meshes.path("shop", "default")
        == "/apis/laneway.dev/v1alpha1/meshes/default"
    )
    assert (pods.api_version, deployments.api_version) == ("v1", "apps/v1")


@pytest.mark.cluster
async def test_kubernetes_kinds_are_served_as_they_are_named_here(running: RunningServer) -> None:
    """The API server itself says which kinds it has, under which names, and where."""
    own = [each for each in RESOURCES.values() if each.group not in (OURS, ISTIO, KEDA)]
    by_version = sorted(own, key=lambda each: each.api_version)
    async with running.other() as api:
        for version, resources in groupby(by_version, key=lambda each: each.api_version):
            served = await api.get(f"/apis/{version}" if "/" in version else f"/api/{version}")
            found = {each["name"]: (each["kind"], each["namespaced"]) for each in served["resources"]}
            for resource in resources:
                assert found.get(resource.plural) == (resource.kind, resource.namespaced)


@pytest.mark.cluster
def test_istios_kinds_are_served_as_they_are_named_here() -> None:
    """Istio's own definitions say so."""
    defined = {
        spec["names"]["kind"]: spec
        for spec in (
            each["spec"] for each in yaml.safe_load_all(cache.document("istio-crds.yaml").read_text()) if each
        )
        if spec["group"] == ISTIO
    }
    for resource in (each for each in RESOURCES.values() if each.group == ISTIO):
        spec = defined[resource.kind]
        assert spec["names"]["plural"] == resource.plural
        assert (spec["scope"] == "Namespaced") == resource.namespaced
        assert any(version["name"] == resource.version and version["served"] for version in spec["versions"])
