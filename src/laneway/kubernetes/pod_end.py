"""How pods of ours end on a cluster: they serve on until no proxy sends them anything. Pure.

A pod that is deleted gets its SIGTERM at once, while proxies hear of that only after istiod has: requests
that come in between would meet a closed port. Must not know why a pod ends.
Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination-flow
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from laneway.manifests import names
from laneway.spec.values import parse_duration

Json = Mapping[str, Any]

SERVES_ON_SECONDS = 5
"""From deletion to SIGTERM. Proxies have new endpoints after half a second; 4.5 s was the worst seen."""
GRACE_SECONDS = 30
"""Kubernetes' terminationGracePeriodSeconds where a template says nothing."""


def serving_on(deployment: Json, stored: Json | None = None) -> dict[str, Any]:
    """The Deployment with a wait before SIGTERM in each container that has no preStop hook of its own.

    From SIGTERM to SIGKILL an application has the App's `drain.grace`, else what its template says. stored:
    the Deployment as it is, whose pods are not started anew because of any of this.
    """
    template = deployment["spec"]["template"]
    pod = template["spec"]
    ends = _written(deployment, pod) if stored is None else _as_it_is(stored, pod)
    return {**deployment, "spec": {**deployment["spec"], "template": {**template, "spec": {**pod, **ends}}}}


def _written(deployment: Json, pod: Json) -> Json:
    containers = [_waiting(container) for container in pod["containers"]]
    grace = _grace(deployment["metadata"].get("annotations") or {}, pod)
    wait = SERVES_ON_SECONDS if containers != pod["containers"] else 0
    return {"containers": containers, "terminationGracePeriodSeconds": grace + wait}


def _waiting(container: Json) -> Json:
    """A container that was told how to end is left alone."""
    hooks = container.get("lifecycle") or {}
    return {**container, "lifecycle": {"preStop": {"sleep": {"seconds": SERVES_ON_SECONDS}}, **hooks}}


def _grace(annotations: Mapping[str, str], pod: Json) -> int:
    """In seconds."""
    if said := annotations.get(names.DRAIN_GRACE):
        return -(-parse_duration(said) // timedelta(seconds=1))
    return int(pod.get("terminationGracePeriodSeconds", GRACE_SECONDS))


def _as_it_is(stored: Json, pod: Json) -> Json:
    there = stored["spec"]["template"]["spec"]
    hooks = {each["name"]: each["lifecycle"] for each in there["containers"] if each.get("lifecycle")}
    containers = [_hooked(container, hooks.get(container["name"])) for container in pod["containers"]]
    return {"containers": containers, "terminationGracePeriodSeconds": there["terminationGracePeriodSeconds"]}


def _hooked(container: Json, hooks: Json | None) -> Json:
    return {**container, "lifecycle": {**hooks, **container.get("lifecycle", {})}} if hooks else container
