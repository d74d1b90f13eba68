"""What pods of a cluster use, as its metrics API measures it.

https://github.com/kubernetes/metrics
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from laneway.api.engine import NotOfferedError
from laneway.control.status import PodUsage
from laneway.history.subject import subject_of
from laneway.kubernetes.api.errors import ApiError
from laneway.kubernetes.api.requests import Request, Requests
from laneway.kubernetes.service.logs import SIDECAR
from laneway.kubernetes.service.pods import Pod
from laneway.spec.meta import Key, key_of

Json = dict[str, Any]

GROUP = "metrics.k8s.io/v1beta1"
UNAVAILABLE = 503
_QUANTITY = re.compile(r"([0-9.]+(?:[eE][-+]?[0-9]+)?)([A-Za-z]*)")
_FACTORS = {
    "": 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40,
}  # fmt: skip


async def measured(requests: Requests, namespace: str | None) -> list[Json]:
    """PodMetrics of a namespace, None for all. Raises NotOfferedError where nothing measures."""
    inside = f"/namespaces/{namespace}" if namespace else ""
    try:
        answer = await requests.send(Request("list", "PodMetrics", "GET", f"/apis/{GROUP}{inside}/pods"))
    except ApiError as error:
        if error.missing or error.status == UNAVAILABLE:
            text = f"the cluster has no metrics API ({GROUP})"
            raise NotOfferedError(text, "install metrics-server, or ask Prometheus") from None
        raise
    items: list[Json] = orjson.loads(answer)["items"]
    return items


def quantity(text: str) -> float:
    """A quantity as Kubernetes writes it: 250m, 1Gi. Raises ValueError."""
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2] not in _FACTORS:
        raise ValueError(f"{text!r} is no quantity")
    return float(match[1]) * _FACTORS[match[2]]


def usage(pods: Iterable[Pod], measured: Iterable[Json]) -> list[PodUsage]:
    """Of each pod. measured: PodMetrics; requests are not among them."""
    by_pod = {key_of(each): each for each in measured}
    return [_usage(pod, by_pod) for pod in pods]


def _usage(pod: Pod, measured: Mapping[Key, Json]) -> PodUsage:
    """CPU and memory of the application alone."""
    about = subject_of({"kind": "Pod", "metadata": {"name": pod.key.name, "labels": dict(pod.labels)}})
    said = measured.get(pod.key)
    own = [each["usage"] for each in said["containers"] if each["name"] != SIDECAR] if said else []
    return PodUsage(
        namespace=pod.key.namespace,
        name=pod.key.name,
        deployment=pod.deployment,
        app=about.app,
        lane=about.lane,
        revision=about.revision,
        cpu=sum(quantity(each["cpu"]) for each in own) if own else None,
        memory=int(sum(quantity(each["memory"]) for each in own)) if own else None,
        requestsPerSecond=None,
    )
