"""The world that the table is about: an App in a canary, two released together, lanes, hosts of others.

Made by the planner and the manifests themselves, from shop.yaml and late.yaml. Must not know calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from tests.plan.world import Body, World

from laneway.local.proxy.gateways import egress_service
from laneway.manifests.names import managed
from laneway.mesh.registry import MeshObject
from laneway.plan.revision import revision_of
from laneway.spec.kubernetes import PodTemplate
from laneway.spec.load import parse

HERE = Path(__file__).parent
IMAGES = "registry.example/calls"
UNREADY = "unready"
"""The version that never gets ready."""

APPS = ("pharmacy", "page", "inventory", "cart", "audit", "ledger", "catalog")
PLAIN = {
    "desk": "shop",
    "stub": "shop",
    "probe": "tools",
    "clerk": "desks",
    "courier": "shop",
    "payments": "shop",
}
"""Workloads that are no Apps, by namespace."""

OUTSIDE = ("courier", "payments")
"""Those without a sidecar: they stand for what is outside of the mesh."""

NAMESPACES = ("shop", "tools", "desks")
PORTS = {"pharmacy": (8080, 8081)}

_MESH = ("Service", "ServiceEntry", "VirtualService", "DestinationRule", "Gateway", "Sidecar")


@dataclass(frozen=True, slots=True)
class Made:
    """The objects of one moment. mesh: those that proxies follow; workloads: Deployments that have pods."""

    mesh: tuple[Body, ...]
    workloads: tuple[Body, ...]

    def parsed(self) -> list[MeshObject]:
        """What proxies follow, for a registry; the Service of the egress gateway is the engine's own."""
        service = egress_service([80])
        assert service is not None
        found: list[Any] = [parse(body) for body in self.mesh]
        return [*found, service]


def template(name: str, version: str) -> Body:
    """The pod template of a workload."""
    ports = [{"containerPort": port} for port in PORTS.get(name, (8080,))]
    ready = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1}
    image = f"{IMAGES}/{name}:{version}"
    container = {"name": name, "image": image, "ports": ports, "readinessProbe": ready}
    metadata: Body = {"labels": {"app": name}}
    if name in OUTSIDE:
        metadata["annotations"] = {"sidecar.istio.io/inject": "false"}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1}
    return {"metadata": metadata, "spec": spec}


def revision(version: str) -> str:
    """The revision of an App's version, given as `pharmacy:2`."""
    name, _, tag = version.partition(":")
    return revision_of(PodTemplate.model_validate(template(name, tag)))


@cache
def made() -> Made:
    """The world in the middle of its releases."""
    world = World()
    for body in [*_written("shop.yaml"), *map(_deployment, [*APPS, *PLAIN])]:
        world.put(body)
    world.settle()
    for name in ("pharmacy", "cart"):
        world.put(_deployment(name, "2"))
    _release(world, "both", "page", "inventory")
    world.settle(
        until=lambda: _shares(world) == {"pharmacy": 2_000, "cart": 1_250, "page": 5_000, "inventory": 5_000}
    )
    for body in _written("late.yaml"):
        world.put(body)
    _again(world)
    bodies = list(world.store.values())
    return Made(
        tuple(_plain(body) for body in bodies if body["kind"] in _MESH),
        tuple(_plain(body) for body in bodies if _has_pods(body)),
    )


def _written(file: str) -> Iterator[Body]:
    yield from yaml.safe_load_all((HERE / file).read_text())


def _deployment(name: str, version: str = "1") -> Body:
    metadata = {"name": name, "namespace": PLAIN.get(name, "shop")}
    selector = {"matchLabels": {"app": name}}
    spec = {"replicas": 1, "selector": selector, "template": template(name, version)}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def _release(world: World, release: str, *apps: str) -> None:
    """A release of several Apps, each to its version 2."""
    for name in apps:
        world.put(_deployment(name, "2"))
    parts = [{"name": name, "revision": revision(f"{name}:2")} for name in apps]
    metadata = {"name": release, "namespace": "shop"}
    version = "laneway.dev/v1alpha1"
    world.put({"apiVersion": version, "kind": "Release", "metadata": metadata, "spec": {"apps": parts}})


def _shares(world: World) -> dict[str, int]:
    """The weights of the second versions."""
    apps = ("pharmacy", "cart", "page", "inventory")
    return {name: world.weights(name).get(revision(f"{name}:2"), 0) for name in apps}


def _again(world: World) -> None:
    """Passes until nothing changes, in which no time goes by: nothing that is new gets ready."""
    while world.reconcile().changes:
        world.sync()


def _has_pods(body: Body) -> bool:
    return body["kind"] == "Deployment" and (managed(body) or body["metadata"]["name"] in PLAIN)


def _plain(body: Body) -> Body:
    """An object as it is written, without what the store adds."""
    kept = ("name", "namespace", "labels", "annotations")
    metadata = {field: body["metadata"][field] for field in kept if field in body["metadata"]}
    return {field: value for field, value in body.items() if field != "status"} | {"metadata": metadata}
