"""Meshes to measure with: the objects that Laneway writes for services and lanes, and pods behind them."""

from __future__ import annotations

from collections.abc import Iterable

from laneway.manifests.render import render
from laneway.mesh.world import Pod
from laneway.spec.app import App
from laneway.spec.istio import DestinationRule, VirtualService
from laneway.spec.kubernetes import Service
from laneway.spec.lane import Lane
from laneway.spec.meta import Object
from laneway.spec.world import Spec

NAMESPACE = "shop"
CONTAINER_PORT = 8080
KINDS: dict[str, type[Object]] = {kind.__name__: kind for kind in (Service, DestinationRule, VirtualService)}


def objects(services: int, lanes: int) -> list[Object]:
    """What Laneway gives its mesh for apps s0, s1… and lanes lane-0, lane-1…, each with every app."""
    apps = [_app(f"s{number}") for number in range(services)]
    deployed = [{"name": app.metadata.name} for app in apps]
    parallel = [_lane(f"lane-{number}", deployed) for number in range(lanes)]
    spec = Spec(apps={app.key: app for app in apps}, lanes={lane.key: lane for lane in parallel})
    return [KINDS[found["kind"]].model_validate(found) for found in render(spec) if found["kind"] in KINDS]


def pods(found: Iterable[Object], app: tuple[str, int], lane: tuple[str, int]) -> list[Pod]:
    """A ready pod for each Service: at one address for apps' own ones, at the other for those of lanes."""
    known = list(found)
    subsets = {rule.key: rule.spec.subsets[0].labels for rule in known if isinstance(rule, DestinationRule)}
    return [
        Pod(
            NAMESPACE,
            f"{service.metadata.name}-0",
            service.spec.selector | subsets.get(service.key, {}),
            (app if service.key in subsets else lane)[0],
            {CONTAINER_PORT: (app if service.key in subsets else lane)[1]},
            ready=True,
        )
        for service in known
        if isinstance(service, Service)
    ]


def rerouted(found: Iterable[Object], app: str, service: str) -> VirtualService:
    """The app's VirtualService with another Service behind its last rule, which takes untagged requests."""
    (rules,) = (each for each in found if isinstance(each, VirtualService) and each.metadata.name == app)
    written = rules.written()
    written["spec"]["http"][-1]["route"] = [{"destination": {"host": service}}]
    return VirtualService.model_validate(written)


def _app(name: str) -> App:
    port = {"name": "http", "port": 80, "targetPort": CONTAINER_PORT}
    container = {"name": "app", "image": name, "ports": [{"containerPort": CONTAINER_PORT}]}
    return App.model_validate(
        {
            "apiVersion": "laneway.dev/v1alpha1",
            "kind": "App",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {
                "workload": {"template": {"spec": {"containers": [container]}}},
                "service": {"ports": [port]},
            },
        }
    )


def _lane(name: str, apps: list[dict[str, str]]) -> Lane:
    return Lane.model_validate(
        {
            "apiVersion": "laneway.dev/v1alpha1",
            "kind": "Lane",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"apps": apps},
        }
    )
