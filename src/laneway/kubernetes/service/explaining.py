"""The way of a request through a cluster's mesh, by the walker that explains one machine's.

Owns which objects are read for it. Must not know how rules are matched.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from laneway.api.explain import explain
from laneway.control.status import Explanation
from laneway.kubernetes.service.reading import read, without_markers
from laneway.mesh.gateways import servers_of
from laneway.mesh.registry import MeshObject, Registry
from laneway.mesh.walk import AtSidecar
from laneway.mesh.world import Pod
from laneway.spec.istio import DestinationRule, Gateway, ServiceEntry, Sidecar, VirtualService
from laneway.spec.kubernetes import Service
from laneway.spec.lane import Mesh
from laneway.spec.meta import key_of
from laneway.spec.naming import DOMAIN, ROOT_NAMESPACE

Json = dict[str, Any]
Pods = Callable[[str], Awaitable[list[Json]]]
"""The pods of a namespace."""

KINDS = ("VirtualService", "DestinationRule", "Gateway", "ServiceEntry", "Sidecar", "Service")
"""Kinds that say where requests go; they are read from all namespaces, as proxies do."""
INGRESS_LABELS: Mapping[str, str] = {"istio": "ingressgateway", "app": "istio-ingressgateway"}
"""Of Istio's own ingress gateway, where no Gateway selects another."""
ROUNDS_MAX = 6
"""A request that enters more namespaces one after the other goes round in circles."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. source: the sidecar that it leaves, None for the ingress."""

    url: str
    method: str
    headers: Sequence[tuple[str, str]]
    source: AtSidecar | None


@dataclass(slots=True)
class World:
    """What a walk reads. passed: by kind and name, what of an object no model here can say."""

    registry: Registry
    gateways: list[Gateway] = field(default_factory=list)
    passed: dict[str, list[str]] = field(default_factory=dict)


async def explained(asked: Asked, objects: Iterable[Json], pods: Pods) -> Explanation:
    """Walk the rules. objects: of `KINDS` and `Mesh`; pods are asked for where the way leads."""
    world = world_of(objects)
    known: dict[str, list[Pod]] = {}
    for _ in range(ROUNDS_MAX):
        found = _walked(asked, world)
        spaces = {ROOT_NAMESPACE, *_namespaces(found)} - known.keys()
        if not spaces:
            break
        for space in sorted(spaces):
            known[space] = [pod_of(body) for body in await pods(space)]
        world.registry.set_pods(pod for of in known.values() for pod in of)
    return _with_passed(found, world)


def world_of(objects: Iterable[Json]) -> World:
    """The objects as the walker takes them."""
    world = World(Registry())
    for body in objects:
        found, passed = read(without_markers(body))
        if isinstance(found, Mesh):
            world.registry.set_passthrough(found.spec.outbound_traffic_policy.mode == "ALLOW_ANY")
        elif isinstance(found, VirtualService | DestinationRule | Gateway | ServiceEntry | Sidecar | Service):
            _take(world, found)
        if passed:
            world.passed[f"{body['kind']} {key_of(body)}"] = passed
    return world


def _take(world: World, found: MeshObject) -> None:
    world.registry.upsert(found)
    if isinstance(found, Gateway):
        world.gateways.append(found)


def _walked(asked: Asked, world: World) -> Explanation:
    labels = _ingress_labels(world.gateways)
    ports = [server.port for server in servers_of(world.gateways, labels)]
    return explain(world.registry, asked.url, asked.method, asked.headers, asked.source, ports, labels)


def _ingress_labels(gateways: Iterable[Gateway]) -> Mapping[str, str]:
    """Labels of the ingress: Istio's own, where any Gateway selects them, else those that one selects."""
    selectors = [gateway.spec.selector for gateway in gateways]
    if not selectors or any(each.items() <= INGRESS_LABELS.items() for each in selectors):
        return INGRESS_LABELS
    return selectors[0]


def _namespaces(found: Explanation) -> set[str]:
    """The namespaces of the Services that the way leads to."""
    hosts = [target["host"] for hop in found["hops"] for target in hop["targets"]]
    inside = [host.removesuffix(f".{DOMAIN}") for host in hosts if host.endswith(f".{DOMAIN}")]
    return {host.partition(".")[2] for host in inside if "." in host}


def pod_of(body: Json) -> Pod:
    """A pod as its peers see it."""
    key, said, spec = key_of(body), body.get("status") or {}, body["spec"]
    ports = [port for container in spec["containers"] for port in container.get("ports") or ()]
    conditions = said.get("conditions") or ()
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return Pod(
        namespace=key.namespace,
        name=key.name,
        labels=body["metadata"].get("labels") or {},
        address=said.get("podIP") or "",
        ports=_EveryPort(),
        port_names={port["name"]: port["containerPort"] for port in ports if port.get("name")},
        ready=ready and "deletionTimestamp" not in body["metadata"],
    )


class _EveryPort(Mapping[int, int]):
    """A pod of a cluster may listen on ports that it does not declare."""

    def __getitem__(self, port: int) -> int:
        return port

    def __iter__(self) -> Iterator[int]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _with_passed(found: Explanation, world: World) -> Explanation:
    """What was not read of the rules of a hop is told there."""
    for hop in found["hops"]:
        for path in world.passed.get(hop["source"], ()):
            hop["effects"].append(f"not looked at: {path}, which this walk does not know")
    return found
