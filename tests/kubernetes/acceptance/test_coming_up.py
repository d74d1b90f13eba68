"""An App that comes to a Deployment which serves already, under load that may not fail."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.kubernetes.acceptance.loads import mesh_without_failure
from tests.kubernetes.acceptance.shop import Shop, example
from tests.kubernetes.running import namespace as namespace_of
from tests.lab.api import Object

from laneway.kubernetes.writing import TAKE_OVER

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]


def service(shop: Shop, name: str) -> Object:
    """The Service of a Deployment, as its team has written it."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": shop.namespace},
        "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
    }


async def test_an_app_takes_over_a_deployment_that_serves(shop: Shop) -> None:
    """It says whose the Service is, and takes it when it is given, with pods behind it."""
    await shop.cluster.put(dict(namespace_of(shop.namespace)))
    await shop.cluster.put(shop.door())
    pharmacy, app = example("pharmacy", shop.namespace)
    pharmacy["spec"]["replicas"] = shop.replicas
    app["spec"].pop("release")
    for body in (pharmacy, service(shop, "pharmacy"), *shop.objects("inventory"), *shop.objects("page")):
        await shop.cluster.put(body)
    for name in ("inventory", "page"):
        await shop.cluster.until_app(shop.namespace, name, Ready="True")
    await shop.cluster.node.until_ready(shop.namespace, 2, app="pharmacy")
    async with mesh_without_failure(shop, "taking over") as load:
        await shop.cluster.put(app)
        found = await shop.cluster.until_app(shop.namespace, "pharmacy", Stalled="True")
        (said,) = (each for each in found["status"]["conditions"] if each["type"] == "Stalled")
        assert "Service" in said["message"] and TAKE_OVER in said["message"]
        assert len(shop.pods()) >= 2
        given = service(shop, "pharmacy")
        given["metadata"]["annotations"] = {TAKE_OVER: "true"}
        await shop.cluster.put(given)
        await shop.cluster.until_app(shop.namespace, "pharmacy", Ready="True", Stalled="False")
        await shop.until_served({"blue": 100})
        await shop.until_pods(shop.replicas)
    assert load.counts().labels.keys() == {"blue"}


async def test_pods_have_the_labels_and_annotations_of_their_template(shop: Shop) -> None:
    """Of each version those that it was written with."""
    await shop.up()
    deployment, _ = shop.objects("pharmacy", "green")
    deployment["spec"]["template"]["metadata"]["labels"]["team"] = "health"
    deployment["spec"]["template"]["metadata"]["annotations"] = {"health.example/on-call": "asha"}
    await shop.cluster.put(deployment)
    await shop.until_served({"green": 100})
    pods = shop.cluster.node.pods(shop.namespace, team="health")
    said = Counter(pod.body["metadata"]["annotations"]["health.example/on-call"] for pod in pods)
    assert said == {"asha": shop.replicas}
