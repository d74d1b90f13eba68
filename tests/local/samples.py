"""Pods and Deployments to test with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from laneway.local.network.addresses import Pair
from laneway.local.pod.pods import Pod, new_pod, read_pod

START = datetime(2026, 1, 1, tzinfo=UTC)


def deployment(
    name: str = "web",
    *,
    replicas: int = 1,
    command: Sequence[str] = ("serve",),
    env: Sequence[Mapping[str, str]] = (),
    ports: Sequence[int] = (8080,),
    annotations: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    probe: Mapping[str, Any] | None = None,
    more: Mapping[str, Any] | None = None,
    grace: int = 30,
) -> dict[str, Any]:
    """A Deployment as the store keeps it. more: fields of its container."""
    container: dict[str, Any] = {
        "name": "main",
        "command": list(command),
        "env": [dict(variable) for variable in env],
        "ports": [{"containerPort": port} for port in ports],
    }
    if probe is not None:
        container["readinessProbe"] = dict(probe)
    container |= more or {}
    template = {
        "metadata": {
            "labels": dict(labels or {"laneway.dev/app": name}),
            "annotations": dict(annotations or {}),
        },
        "spec": {"containers": [container], "terminationGracePeriodSeconds": grace},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"replicas": replicas, "template": template},
    }


def pod(
    suffix: str = "abcde",
    *,
    ports: Mapping[int, int] | None = None,
    template: str = "t1",
    **fields: Any,
) -> Pod:
    """A new pod of the Deployment web. fields: of its Deployment."""
    local = {8080: 8080} if ports is None else ports
    owner = deployment(ports=list(local), **fields)
    pair = Pair("127.64.1.0", "127.64.33.0")
    return read_pod(new_pod(owner, template, f"web-{suffix}", pair, lambda port: local[port], START))


def changed(given: Pod, **fields: Any) -> Pod:
    """The pod with some fields replaced."""
    return replace(given, **fields)
