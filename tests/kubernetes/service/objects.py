"""Objects as a cluster has them, with what the controller has written into them."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

STABLE, NEW = "aaaaaaaaaa", "bbbbbbbbbb"


def obj(kind: str, name: str, namespace: str = "shop", **rest: Any) -> Json:
    """An object of Laneway's, as it is stored."""
    metadata = {"name": name, "namespace": namespace, "generation": 1, "resourceVersion": "7", "uid": name}
    metadata |= rest.pop("metadata", {})
    return {"apiVersion": "laneway.dev/v1alpha1", "kind": kind, "metadata": metadata, **rest}


def version(revision: str = STABLE, role: str = "stable", **said: Any) -> Json:
    """What a status says of a revision."""
    told = {"revision": revision, "role": role, "image": f"pharmacy:{revision}", "weight": 100, "served": 100}
    return told | {"wanted": 2, "pods": 2, "ready": 2} | said


def app(name: str = "pharmacy", **status: Any) -> Json:
    """An App that serves, of the Deployment of its name."""
    told = {"observedGeneration": 1, "stable": STABLE, "versions": [version()], "findings": []} | status
    steps = [{"weight": 20, "hold": "1m"}, {"weight": 100}]
    spec = {
        "workload": {"deployment": name},
        "service": {"ports": [{"port": 80, "name": "http"}]},
        "routing": {"hosts": ["shop.example"], "gateways": ["public"]},
        "release": {"steps": steps},
    }
    return obj("App", name, spec=spec, status=told)


def condition(kind: str, status: str = "True", message: str = "", generation: int = 1) -> Json:
    """A condition."""
    return {"type": kind, "status": status, "message": message, "observedGeneration": generation}


def release(name: str = "pharmacy-b", phase: str = "Progressing", **status: Any) -> Json:
    """A Release of the pharmacy to the new revision, with the planner's record."""
    begun = "2030-01-01T00:00:00Z"
    told = {
        "phase": phase,
        "step": 0,
        "base": 2,
        "stable": STABLE,
        "startedAt": begun,
        "stepStartedAt": begun,
    }
    return obj("Release", name, spec={"apps": [{"name": "pharmacy", "revision": NEW}]}, status=told | status)


def lane(name: str = "green", **status: Any) -> Json:
    """A lane of the pharmacy."""
    return obj("Lane", name, spec={"apps": [{"name": "pharmacy", "image": "pharmacy:green"}]}, status=status)


def deployment(name: str = "pharmacy", replicas: int = 2, **rest: Any) -> Json:
    """A Deployment with what no model here knows."""
    labels = {"app": name}
    containers = [{"name": "app", "image": "pharmacy:1", "imagePullPolicy": "Always"}, {"name": "more"}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers, "affinity": {}}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return obj("Deployment", name, spec=spec, **rest) | {"apiVersion": "apps/v1"}


def everything(**objects: list[Json]) -> dict[str, list[Json]]:
    """Objects by kind, of the kinds that a status is read from."""
    kinds = ("App", "Lane", "Release", "Mesh", "Deployment")
    return {kind: objects.get(kind, []) for kind in kinds}
