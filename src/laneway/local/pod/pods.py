"""The Pod: one replica as a value, and how the store keeps it. Pure. Must not know how processes are run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from laneway.local.network.addresses import Pair
from laneway.local.process.markers import Identity, Part
from laneway.manifests import names
from laneway.spec.kubernetes import Container
from laneway.spec.kubernetes.volume import Volume
from laneway.spec.meta import Key
from laneway.spec.values import parse_duration
from laneway.spec.world import FOLDER

DEPLOYMENT_LABEL = "laneway.dev/deployment"
"""Names the Deployment that a pod belongs to, in the pod's namespace."""

TEMPLATE_LABEL = "pod-template-hash"
"""Names the template that a pod was made from, as in Kubernetes."""

INJECT_ANNOTATION = "sidecar.istio.io/inject"

_OF_ITS_DEPLOYMENT = {names.DRAIN_LIMIT, names.DRAIN_GRACE, FOLDER}
"""Annotations of a Deployment that its pods keep."""

_NAME_MAX = 63
_SUFFIX = 6


class Stage(StrEnum):
    """Where a pod is in its life. Only READY takes new requests."""

    STARTING = "Starting"
    READY = "Ready"
    NOT_READY = "NotReady"
    DRAINING = "Draining"


class Trouble(StrEnum):
    """Why a pod is not ready."""

    NONE = ""
    CANNOT_START = "CannotStart"
    CONFIGURATION = "CreateContainerConfigError"
    CRASHED = "Crashed"
    UNHEALTHY = "Unhealthy"
    NOT_ANSWERING = "NotAnswering"
    SIDECAR_NOT_READY = "SidecarNotReady"


@dataclass(frozen=True, slots=True)
class Pod:
    """One replica.

    pod_ip: where peers dial it; app_address: where its application listens (the same without a sidecar);
    ports: port to dial on both by container port; port_names: container ports by name; ever_ready: whether
    peers may know it; started: whether its application is through its start; own_network: whether no other
    pod shares its network; drain_limit: the longest that open requests are waited for, None: its grace;
    restarts: of any part; renew: another shall take its place; reason, message: why it is not ready;
    processes: its parts that run; links: what it dials for each Service of its namespace, empty where no
    address was left.
    """

    key: Key
    deployment: str
    template: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    container: Container
    grace: timedelta
    pod_ip: str
    app_address: str
    ports: Mapping[int, int]
    port_names: Mapping[str, int]
    created: datetime
    stage: Stage = Stage.STARTING
    ever_ready: bool = False
    started: bool = False
    own_network: bool = False
    restarts: int = 0
    renew: bool = False
    drain_limit: timedelta | None = None
    draining_since: datetime | None = None
    reason: Trouble = Trouble.NONE
    message: str = ""
    processes: Mapping[Part, Identity] = field(default_factory=dict)
    uid: str = ""
    volumes: Sequence[Volume] = ()
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def drains_for(self) -> timedelta:
        """The longest that open requests are waited for."""
        return self.grace if self.drain_limit is None else self.drain_limit

    @property
    def ready(self) -> bool:
        """Takes new requests."""
        return self.stage is Stage.READY

    @property
    def sidecar(self) -> bool:
        """Whether a proxy stands before it."""
        return injected(self.annotations)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The processes it is made of."""
        return (Part.APP, Part.SIDECAR) if self.sidecar else (Part.APP,)


@dataclass(frozen=True, slots=True)
class Location:
    """Where a pod is found; fields as in `Pod`."""

    pod_ip: str
    app_address: str
    ports: Mapping[int, int]
    own_network: bool


def injected(annotations: Mapping[str, str]) -> bool:
    """Whether a template with these annotations gets a sidecar."""
    return annotations.get(INJECT_ANNOTATION) != "false"


def pod_name(deployment: str, suffix: str) -> str:
    """The name of a Deployment's pod, cut to what a name may be."""
    return f"{deployment[: _NAME_MAX - _SUFFIX]}-{suffix}"


def new_pod(
    deployment: Mapping[str, Any],
    template: str,
    name: str,
    pair: Pair,
    local_port: Callable[[int], int],
    created: datetime,
    links: Mapping[str, str] | None = None,
    own_networks: bool = False,
) -> dict[str, Any]:
    """The object of a new pod of this Deployment.

    template: its hash; local_port: as in `addresses`; links: addresses by Service of its namespace;
    own_networks: whether pods with a sidecar have a network of their own.
    """
    meta, pod = deployment["metadata"], deployment["spec"]["template"]
    said = pod.get("metadata", {})
    annotations = said.get("annotations", {})
    given = {n: value for n, value in meta.get("annotations", {}).items() if n in _OF_ITS_DEPLOYMENT}
    listed = [port["containerPort"] for port in pod["spec"]["containers"][0].get("ports", [])]
    place = place_of(injected(annotations), pair, listed, local_port, own_networks)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": meta["namespace"],
            "labels": said.get("labels", {}) | {DEPLOYMENT_LABEL: meta["name"], TEMPLATE_LABEL: template},
            "annotations": annotations | given,
        },
        "spec": pod["spec"],
        "status": {
            "links": dict(links or {}),
            "phase": "Pending",
            "stage": Stage.STARTING.value,
            "ready": False,
            "everReady": False,
            "started": False,
            "podIP": place.pod_ip,
            "appAddress": place.app_address,
            "ownNetwork": place.own_network,
            "ports": _ports(place.ports),
            "startTime": _text(created),
            "restartCount": 0,
            "processes": {},
        },
    }


def place_of(
    sidecar: bool,
    pair: Pair,
    ports: Iterable[int],
    local_port: Callable[[int], int],
    own_networks: bool,
) -> Location:
    """Where a pod with these addresses is found. own_networks: whether pods with a sidecar have their own."""
    if own_networks and sidecar:
        return Location(pair.own, pair.own, {port: port for port in ports}, True)
    app = pair.app if sidecar else pair.pod
    return Location(pair.pod, app, {port: local_port(port) for port in ports}, False)


def moved(pod: Pod, place: Location) -> Pod:
    """The pod where it is found from now on."""
    return replace(
        pod,
        pod_ip=place.pod_ip,
        app_address=place.app_address,
        ports=place.ports,
        own_network=place.own_network,
    )


def read_pod(obj: Mapping[str, Any]) -> Pod:
    """A stored Pod as a value."""
    meta, spec, status = obj["metadata"], obj["spec"], obj["status"]
    container = Container.model_validate(spec["containers"][0])
    return Pod(
        key=Key(meta["namespace"], meta["name"]),
        deployment=meta["labels"][DEPLOYMENT_LABEL],
        template=meta["labels"][TEMPLATE_LABEL],
        labels=meta["labels"],
        annotations=meta["annotations"],
        container=container,
        grace=_duration(meta, names.DRAIN_GRACE)
        or timedelta(seconds=spec.get("terminationGracePeriodSeconds", 30)),
        pod_ip=status["podIP"],
        app_address=status["appAddress"],
        ports={each["containerPort"]: each["port"] for each in status["ports"]},
        port_names={port.name: port.container_port for port in container.ports if port.name},
        created=_moment(status["startTime"]),
        stage=Stage(status["stage"]),
        ever_ready=status["everReady"],
        started=status["started"],
        own_network=status["ownNetwork"],
        restarts=status["restartCount"],
        renew=status.get("renew", False),
        drain_limit=_duration(meta, names.DRAIN_LIMIT),
        draining_since=_moment(status["drainingSince"]) if "drainingSince" in status else None,
        reason=Trouble(status.get("reason", "")),
        message=status.get("message", ""),
        processes={
            Part(part): Identity(each["pid"], each["started"], each["boot"])
            for part, each in status["processes"].items()
        },
        uid=meta.get("uid", ""),
        links=status.get("links", {}),
        volumes=[Volume.model_validate(volume) for volume in spec.get("volumes", [])],
    )


def status_of(pod: Pod, logs: Mapping[Part, str]) -> dict[str, Any]:
    """A pod's status as the store keeps it. logs: path of each part's output."""
    status: dict[str, Any] = {
        "links": dict(pod.links),
        "phase": "Running" if Part.APP in pod.processes else "Pending",
        "stage": pod.stage.value,
        "ready": pod.ready,
        "everReady": pod.ever_ready,
        "started": pod.started,
        "podIP": pod.pod_ip,
        "appAddress": pod.app_address,
        "ownNetwork": pod.own_network,
        "ports": _ports(pod.ports),
        "startTime": _text(pod.created),
        "restartCount": pod.restarts,
        "logs": {part.value: path for part, path in logs.items()},
        "processes": {
            part.value: {"pid": each.pid, "started": each.started, "boot": each.boot}
            for part, each in pod.processes.items()
        },
    }
    if pod.renew:
        status["renew"] = True
    if pod.draining_since is not None:
        status["drainingSince"] = _text(pod.draining_since)
    if pod.reason:
        status |= {"reason": pod.reason.value, "message": pod.message}
    return status


def _duration(meta: Mapping[str, Any], annotation: str) -> timedelta | None:
    written = meta["annotations"].get(annotation)
    return None if written is None else parse_duration(written)


def _ports(ports: Mapping[int, int]) -> list[dict[str, int]]:
    return [{"containerPort": container, "port": port} for container, port in ports.items()]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
