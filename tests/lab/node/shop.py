"""The example shop as plain objects of Kubernetes and Istio, in a namespace of the test's own."""

from __future__ import annotations

import copy
from pathlib import Path

import yaml
from tests.lab.api import Object

FOLDER = Path(__file__).parents[3] / "examples" / "shop"
HOST = "shop.example"
APPS = ("page", "consultation", "appointment", "pharmacy", "inventory", "labs")
PODS = 9
"""Of all apps together."""


def objects(namespace: str) -> list[Object]:
    """The namespace, whose pods get sidecars; Deployments, Services, the partner's ServiceEntry."""
    meta = {"name": namespace, "labels": {"istio-injection": "enabled"}}
    found: list[Object] = [{"apiVersion": "v1", "kind": "Namespace", "metadata": meta}]
    for name in APPS:
        for each in yaml.safe_load_all((FOLDER / f"{name}.yaml").read_text()):
            if each["kind"] == "App":
                found.append(service(namespace, name))
            else:
                each["metadata"]["namespace"] = namespace
                found.append(each)
    return found


def service(namespace: str, name: str) -> Object:
    """An app's Service."""
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    meta = {"name": name, "namespace": namespace}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta,
        "spec": {"selector": {"app": name}, "ports": ports},
    }


def deployment(namespace: str, name: str) -> Object:
    """An app's Deployment."""
    return next(
        each
        for each in objects(namespace)
        if each["kind"] == "Deployment" and each["metadata"]["name"] == name
    )


def versioned(namespace: str, name: str, version: str, replicas: int) -> Object:
    """A Deployment of one version, beside that of another."""
    made = copy.deepcopy(deployment(namespace, name))
    labels = {"app": name, "version": version}
    made["metadata"]["name"] = f"{name}-{version}"
    made["spec"] |= {"replicas": replicas, "selector": {"matchLabels": labels}}
    made["spec"]["template"]["metadata"]["labels"] = labels
    container = made["spec"]["template"]["spec"]["containers"][0]
    container["image"] = f"{container['image'].rpartition(':')[0]}:{version}"
    return made


def door(namespace: str) -> list[Object]:
    """The public Gateway, and what it leads to: the pharmacy under its path, else the page."""
    gateway = {
        "selector": {"istio": "ingressgateway"},
        "servers": [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": [HOST]}],
    }
    rules = [
        {"match": [{"uri": {"prefix": "/pharmacy"}}], "route": [{"destination": {"host": "pharmacy"}}]},
        {"route": [{"destination": {"host": "page"}}]},
    ]
    return [
        _istio("Gateway", namespace, "public", gateway),
        _istio(
            "VirtualService", namespace, "public", {"hosts": [HOST], "gateways": ["public"], "http": rules}
        ),
    ]


def split(namespace: str, name: str, weights: dict[str, int], lanes: dict[str, str]) -> list[Object]:
    """A VirtualService: weights by version, and a version by the header x-lane; and its DestinationRule."""
    versions = sorted({*weights, *lanes.values()})
    subsets = [{"name": version, "labels": {"version": version}} for version in versions]
    by_lane = [
        {
            "match": [{"headers": {"x-lane": {"exact": lane}}}],
            "route": [{"destination": {"host": name, "subset": version}}],
        }
        for lane, version in lanes.items()
    ]
    by_weight = [
        {"destination": {"host": name, "subset": version}, "weight": weight}
        for version, weight in weights.items()
    ]
    rules = {"hosts": [name], "http": [*by_lane, {"route": by_weight}]}
    return [
        _istio("DestinationRule", namespace, name, {"host": name, "subsets": subsets}),
        _istio("VirtualService", namespace, name, rules),
    ]


def mutual_tls(namespace: str, name: str) -> list[Object]:
    """An app that answers nobody without a certificate, and who calls it shows one."""
    chosen = {"selector": {"matchLabels": {"app": name}}, "mtls": {"mode": "STRICT"}}
    policy = {"host": name, "trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}}}
    return [
        _istio("PeerAuthentication", namespace, name, chosen, "security.istio.io/v1"),
        _istio("DestinationRule", namespace, f"{name}-tls", policy),
    ]


def _istio(
    kind: str, namespace: str, name: str, spec: Object, version: str = "networking.istio.io/v1"
) -> Object:
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec}
