"""Systems of any names, ports and numbers, as YAML in a folder. Pure but for `write`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]

STAND_IN = Path(__file__).with_name("stand_in.py")
COMMAND = [sys.executable, "-I", "-S", str(STAND_IN)]
HELD = ({"weight": 20, "hold": "10m"}, {"weight": 100})
"""Steps of a release that stays at 20 % until somebody says more."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service of a system.

    port: of its Service; target: that its container listens on; calls: URLs that it asks for every answer;
    hosts: public, at the gateway; steps: of its releases; retries: as in an Istio rule, None for the default;
    delay_ms: how long each answer takes; spread_ms: and longer at random, in the mean; fails: share of its
    answers; outage: while there is this file, all of them; scale: of its App.
    """

    name: str
    namespace: str = "default"
    port: int = 80
    target: int = 8080
    version: str = "v1"
    replicas: int = 1
    calls: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    prefix: str = ""
    steps: tuple[Object, ...] = HELD
    retries: Object | None = None
    sidecar: bool = True
    delay_ms: int = 0
    spread_ms: int = 0
    fails: float = 0.0
    outage: str = ""
    scale: Object | None = None

    @property
    def image(self) -> str:
        """The image of its version."""
        return f"registry.test/{self.name}:{self.version}"

    @property
    def url(self) -> str:
        """Where others in its namespace call it."""
        return f"http://{self.name}/" if self.port == 80 else f"http://{self.name}:{self.port}/"


def deployment(service: Service, command: Sequence[str] = ()) -> Object:
    """The Deployment; without a command its image is mapped in laneway.yaml."""
    container: Object = {
        "name": "main",
        "image": service.image,
        "env": [
            {"name": "CALLS", "value": " ".join(service.calls)},
            {"name": "DELAY_MS", "value": str(service.delay_ms)},
            {"name": "SPREAD_MS", "value": str(service.spread_ms)},
            {"name": "FAILS", "value": str(service.fails)},
            {"name": "OUTAGE", "value": service.outage},
        ],
        "ports": [{"name": "http", "containerPort": service.target}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 1},
    }
    if command:
        container["command"] = list(command)
    labels = {"app": service.name}
    metadata: Object = {"labels": labels}
    if not service.sidecar:
        metadata["annotations"] = {"sidecar.istio.io/inject": "false"}
    return _object("apps/v1", "Deployment", service) | {
        "spec": {
            "replicas": service.replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": metadata, "spec": {"containers": [container]}},
        }
    }


def app(service: Service) -> Object:
    """The App that releases the service's Deployment."""
    spec: Object = {
        "workload": {"deployment": service.name},
        "service": {"ports": [{"name": "http", "port": service.port, "targetPort": service.target}]},
        "release": {"steps": list(service.steps)},
    }
    if service.scale is not None:
        spec["scale"] = service.scale
    routing: Object = {}
    if service.hosts:
        routing |= {"gateways": ["public"], "hosts": list(service.hosts)}
    rule: Object = {}
    if service.prefix:
        rule["match"] = [{"uri": {"prefix": service.prefix}}]
    if service.retries is not None:
        rule["retries"] = service.retries
    if rule:
        routing["http"] = [{"name": service.name, **rule}]
    if routing:
        spec["routing"] = routing
    return _object("laneway.dev/v1alpha1", "App", service) | {"spec": spec}


def released(service: Service) -> list[Object]:
    """A service under Laneway's care."""
    return [deployment(service), app(service)]


def plain(service: Service, versions: Sequence[str]) -> list[Object]:
    """A service without an App: a Deployment for each version behind one Service, as any team writes it."""
    objects = []
    for version in versions:
        name = f"{service.name}-{version}"
        made = deployment(service, [*COMMAND, service.name, version])
        made["metadata"]["name"] = name
        labels = {"app": service.name, "version": version}
        made["spec"]["selector"]["matchLabels"] = labels
        made["spec"]["template"]["metadata"]["labels"] = labels
        objects.append(made)
    ports = [{"name": "http", "port": service.port, "targetPort": service.target}]
    spec = {"selector": {"app": service.name}, "ports": ports}
    return [*objects, _object("v1", "Service", service) | {"spec": spec}]


def gateway(hosts: Iterable[str], namespace: str = "default") -> Object:
    """The public Gateway on port 80."""
    server = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": list(hosts)}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "public", "namespace": namespace},
        "spec": {"selector": {"istio": "ingressgateway"}, "servers": [server]},
    }


def system(services: Sequence[Service]) -> list[Object]:
    """Services under Laneway's care, with a Gateway for their public hosts."""
    hosts = sorted({host for service in services for host in service.hosts})
    doors = [gateway(hosts, services[0].namespace)] if hosts else []
    return doors + [made for service in services for made in released(service)]


def write(folder: Path, objects: Sequence[Object], name: str = "system.yaml") -> Path:
    """Writes a folder that `laneway up -f` takes, with the commands of its images; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(yaml.safe_dump_all(objects, sort_keys=False))
    names = {_mapped(made) for made in objects if made["kind"] == "Deployment"}
    images = {image: " ".join([*COMMAND, image.rpartition("/")[2], "{tag}"]) for image in sorted(names)}
    (folder / "laneway.yaml").write_text(yaml.safe_dump({"images": images}))
    return path


def _mapped(made: Object) -> str:
    image: str = made["spec"]["template"]["spec"]["containers"][0]["image"]
    return image.rpartition(":")[0]


def _object(version: str, kind: str, service: Service) -> Object:
    metadata = {"name": service.name, "namespace": service.namespace}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}
