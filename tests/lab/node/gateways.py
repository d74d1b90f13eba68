"""Gateways as Istio's chart makes them: a Deployment whose pods are Envoys, and its Service. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from tests.lab.api import Object
from tests.lab.node.proxies import GATEWAY, INJECT, TEMPLATES

INGRESS = "istio-ingressgateway"
EGRESS = "istio-egressgateway"
NAMESPACE = "istio-system"
_PORTS = {"http2": 80, "https": 443}


def ingress(replicas: int = 1, ports: Mapping[str, int] | None = None) -> list[Object]:
    """The ingress gateway: pods with the label `istio: ingressgateway`. ports: by name."""
    return gateway(INGRESS, replicas, ports or _PORTS)


def egress(replicas: int = 1, ports: Mapping[str, int] | None = None) -> list[Object]:
    """The egress gateway: pods with the label `istio: egressgateway`."""
    return gateway(EGRESS, replicas, ports or _PORTS)


def gateway(name: str, replicas: int, ports: Mapping[str, int]) -> list[Object]:
    """Any gateway; its label `istio` is its name without `istio-`."""
    labels = {"app": name, "istio": name.removeprefix("istio-")}
    meta = {"name": name, "namespace": NAMESPACE, "labels": labels}
    template = {
        "metadata": {
            "labels": {**labels, INJECT: "true"},
            "annotations": {TEMPLATES: GATEWAY},
        },
        "spec": {
            "containers": [{"name": "istio-proxy", "image": "auto"}],
            "terminationGracePeriodSeconds": 30,
        },
    }
    listed = [{"name": each, "port": port, "targetPort": port} for each, port in ports.items()]
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": meta,
            "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": meta,
            "spec": {"type": "ClusterIP", "selector": labels, "ports": listed},
        },
    ]
