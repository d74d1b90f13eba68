"""A walk through a cluster's mesh, read from its objects."""

from __future__ import annotations

from typing import Any

import yaml

from laneway.control.status import Explanation
from laneway.kubernetes.service.explaining import Asked, explained
from laneway.mesh.walk import AtSidecar

Json = dict[str, Any]

WORLD = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: gateway.shop.example, namespace: shop, labels: {app.kubernetes.io/managed-by: laneway}}
spec:
  hosts: [shop.example]
  gateways: [shop/public]
  http:
  - name: lane-green~0123456789
    match: [{headers: {x-lane: {exact: green}}}]
    route: [{destination: {host: pharmacy-green.shop.svc.cluster.local, port: {number: 80}}}]
  - name: ~0123456789
    fromTheFuture: {}
    route:
    - {weight: 100, destination: {host: pharmacy.shop.svc.cluster.local, subset: r-a, port: {number: 80}}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: pharmacy, namespace: shop}
spec: {host: pharmacy.shop.svc.cluster.local, subsets: [{name: r-a, labels: {rev: a}}]}
---
apiVersion: v1
kind: Service
metadata: {name: pharmacy, namespace: shop}
spec: {selector: {app: pharmacy}, ports: [{port: 80, name: http, targetPort: 8080}], clusterIP: 10.0.0.1}
---
apiVersion: v1
kind: Service
metadata: {name: pharmacy-green, namespace: shop}
spec: {selector: {lane: green}, ports: [{port: 80, name: http, targetPort: 8080}]}
"""
OBJECTS = list(yaml.safe_load_all(WORLD))


def pod(name: str, ready: bool = True, **labels: str) -> Json:
    """A pod that declares no port."""
    status = {"podIP": "10.1.0.1", "conditions": [{"type": "Ready", "status": str(ready)}]}
    metadata = {"name": name, "namespace": "shop", "labels": labels}
    return {"metadata": metadata, "spec": {"containers": [{"name": "app"}]}, "status": status}


PODS = [
    pod("old", app="pharmacy", rev="a"),
    pod("slow", False, app="pharmacy", rev="a"),
    pod("green", lane="green"),
]


class Cluster:
    """What is asked of one. asked: the namespaces whose pods were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def pods(self, namespace: str) -> list[Json]:
        """Those of the shop."""
        self.asked.append(namespace)
        return PODS if namespace == "shop" else []

    async def explain(
        self, url: str, *headers: tuple[str, str], source: AtSidecar | None = None
    ) -> Explanation:
        """A walk."""
        return await explained(Asked(url, "GET", headers, source), OBJECTS, self.pods)


async def test_a_request_is_followed_to_the_pods_that_are_ready() -> None:
    """By rules with the names that people know."""
    found = await Cluster().explain("http://shop.example/")
    (hop,) = found["hops"]
    assert hop["source"] == "VirtualService shop/gateway.shop.example"
    assert [rule["name"] for rule in hop["rules"]] == ["#1 lane-green", "#2"]
    assert hop["targets"][0]["ready"] == ["old"]
    assert found["outcome"].endswith("subset r-a: 1 ready pod")


async def test_a_lane_is_reached_by_its_header() -> None:
    """Its own Service."""
    found = await Cluster().explain("http://shop.example/", ("x-lane", "green"))
    assert found["hops"][0]["targets"][0]["ready"] == ["green"]


async def test_pods_are_asked_for_where_the_way_leads() -> None:
    """A cluster may have very many others."""
    cluster = Cluster()
    await cluster.explain("http://shop.example/")
    assert sorted(cluster.asked) == ["istio-system", "shop"]


async def test_what_of_a_rule_is_not_known_is_told() -> None:
    """The way may be another one there."""
    found = await Cluster().explain("http://shop.example/")
    assert any("spec.http[1].fromTheFuture" in effect for effect in found["hops"][0]["effects"])


async def test_a_request_may_leave_a_sidecar() -> None:
    """By the name that its application uses."""
    found = await Cluster().explain("http://pharmacy/", source=AtSidecar("shop", "sidecar of page", {}))
    assert found["hops"][0]["at"] == "sidecar of page"
    assert found["hops"][0]["targets"][0]["ready"] == ["old"]
