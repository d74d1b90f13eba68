"""The controller in a cluster: its Deployment, what keeps one of its pods up, and the Service of its metrics.

Owns how its pods run: as nobody, with nothing to write to but /tmp. Must not know what it may do (`rights`).
"""

from __future__ import annotations

from typing import Any

from laneway.kubernetes.install.rights import metadata
from laneway.kubernetes.places import ACCOUNT, AUDIENCE, HEALTH_PORT, MESH_ROOT, METRICS_PORT, TOKENS
from laneway.manifests.names import LANEWAY

Manifest = dict[str, Any]

REPLICAS = 2
"""One leads, one is ready to."""

_NOBODY = 65_532
_SELECTED = {"app.kubernetes.io/name": LANEWAY, "app.kubernetes.io/component": "controller"}
_HALF_A_DAY = 43_200


def deployment(
    namespace: str, image: str, replicas: int = REPLICAS, prometheus: str | None = None
) -> list[Manifest]:
    """The Deployment of the controller, its PodDisruptionBudget and its Service.

    prometheus: URL of who counts requests.
    """
    arguments = ["controller", *(["--prometheus", prometheus] if prometheus else [])]
    named = metadata(LANEWAY, namespace, **_SELECTED)
    selector = {"matchLabels": _SELECTED}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": named,
            "spec": {"replicas": replicas, "selector": selector, "template": _pod(image, arguments)},
        },
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": named,
            "spec": {
                "maxUnavailable": 1,
                "selector": selector,
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": named,
            "spec": {
                "selector": _SELECTED,
                "ports": [{"name": "http-metrics", "port": METRICS_PORT, "targetPort": "http-metrics"}],
            },
        },
    ]


def _pod(image: str, arguments: list[str]) -> Manifest:
    labels = {**_SELECTED, "sidecar.istio.io/inject": "false"}
    annotations = {
        "kubectl.kubernetes.io/default-container": "controller",
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(METRICS_PORT),
    }
    return {
        "metadata": {"labels": labels, "annotations": annotations},
        "spec": {
            "serviceAccountName": ACCOUNT,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": _NOBODY,
                "runAsGroup": _NOBODY,
                "fsGroup": _NOBODY,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "kubernetes.io/hostname",
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {"matchLabels": _SELECTED},
                }
            ],
            "containers": [_container(image, arguments)],
            "volumes": _volumes(),
        },
    }


def _container(image: str, arguments: list[str]) -> Manifest:
    return {
        "name": "controller",
        "image": image,
        "args": arguments,
        "env": [_of_the_pod("POD_NAME", "metadata.name"), _of_the_pod("POD_NAMESPACE", "metadata.namespace")],
        "ports": [
            {"name": "http-metrics", "containerPort": METRICS_PORT},
            {"name": "http-health", "containerPort": HEALTH_PORT},
        ],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http-health"}, "periodSeconds": 5},
        "livenessProbe": {
            "httpGet": {"path": "/healthz", "port": "http-health"},
            "initialDelaySeconds": 10,
            "periodSeconds": 10,
            "failureThreshold": 6,
        },
        "resources": {
            "requests": {"cpu": "100m", "memory": "128Mi"},
            "limits": {"memory": "1Gi"},  # no limit of CPU: a throttled controller holds up what it moves
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},
            {"name": "istio-token", "mountPath": TOKENS, "readOnly": True},
            {"name": "istio-root", "mountPath": MESH_ROOT, "readOnly": True},
        ],
    }


def _volumes() -> list[Manifest]:
    token = {"audience": AUDIENCE, "expirationSeconds": _HALF_A_DAY, "path": "istio-token"}
    return [
        {"name": "tmp", "emptyDir": {}},
        {"name": "istio-token", "projected": {"sources": [{"serviceAccountToken": token}]}},
        {"name": "istio-root", "configMap": {"name": "istio-ca-root-cert", "optional": True}},
    ]


def _of_the_pod(variable: str, field: str) -> Manifest:
    return {"name": variable, "valueFrom": {"fieldRef": {"fieldPath": field}}}
