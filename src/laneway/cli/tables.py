"""The columns of each kind in `laneway get`, and the kinds' short names.

Pure: objects and status in, text out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from laneway.cli.pod_body import READY, PodBody

if TYPE_CHECKING:
    from laneway.control.status import AppStatus, Json, LaneStatus, ReleaseStatus, Replicas, Status

Row = Callable[[dict[str, Any], "World"], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class World:
    """What tables show beside the objects themselves. apps: the App objects, which name their templates."""

    status: Status
    apps: Sequence[Json]
    pods: Sequence[Json]
    now: datetime


_KINDS = {
    "App": ("app", "apps"),
    "Lane": ("lane", "lanes"),
    "Mesh": ("mesh", "meshes"),
    "Release": ("release", "releases", "rel"),
    "Deployment": ("deployment", "deployments", "deploy"),
    "Pod": ("pod", "pods", "po"),
    "Service": ("service", "services", "svc"),
    "ConfigMap": ("configmap", "configmaps", "cm"),
    "Secret": ("secret", "secrets"),
    "VirtualService": ("virtualservice", "virtualservices", "vs"),
    "DestinationRule": ("destinationrule", "destinationrules", "dr"),
    "Gateway": ("gateway", "gateways", "gw"),
    "ServiceEntry": ("serviceentry", "serviceentries", "se"),
    "Sidecar": ("sidecar", "sidecars"),
    "ControllerRevision": ("controllerrevision", "controllerrevisions", "cr"),
    "HorizontalPodAutoscaler": ("horizontalpodautoscaler", "horizontalpodautoscalers", "hpa"),
}
ALL = "*"


def is_listed(kind: str) -> bool:
    """Whether people are shown objects of this kind; not, what a daemon keeps for itself."""
    return kind in _KINDS


def kind_of(named: str) -> str:
    """The kind of a long or short name, `*` for `all`. A usage error for any other."""
    if named.lower() == "all":
        return ALL
    for kind, names in _KINDS.items():
        if named.lower() in names:
            return kind
    shortest = ", ".join(min(names, key=len) for names in _KINDS.values())
    raise click.BadParameter(f"there is no kind {named!r}; the kinds are {shortest}, all", param_hint="KIND")


def columns_of(kind: str) -> tuple[Sequence[str], Row]:
    """A kind's columns, and how an object fills them."""
    columns, row = _TABLES.get(kind, ((), _nothing))
    return ("namespace", "name", *columns, "age"), _framed(row)


def _framed(row: Row) -> Row:
    def framed(obj: Json, world: World) -> tuple[str, ...]:
        metadata = obj["metadata"]
        return (metadata.get("namespace", "-"), metadata["name"], *row(obj, world), _age(metadata, world.now))

    return framed


def _age(metadata: Json, now: datetime) -> str:
    created = metadata.get("creationTimestamp")
    return short(now - datetime.fromisoformat(created)) if created else "-"


def short(duration: timedelta) -> str:
    """A duration in its greatest unit: 45s, 12m, 3h, 9d."""
    seconds = max(0, int(duration.total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def pods(replicas: Replicas) -> str:
    """Ready of wanted pods."""
    return f"{replicas['ready']}/{replicas['wanted']}"


def weights(app: AppStatus) -> str:
    """The versions of an app that carry traffic: `7d9f4c 80%, 1a2b3c 20%`."""
    carrying = [v for v in app["versions"] if v["weight"]]
    return ", ".join(f"{v['revision']} {v['weight']:g}%" for v in carrying) or "-"


def all_pods(app: AppStatus) -> str:
    """Ready of wanted pods of all versions."""
    counts = [version["replicas"] for version in app["versions"]]
    return f"{sum(c['ready'] for c in counts)}/{sum(c['wanted'] for c in counts)}"


def header(lane: LaneStatus) -> str:
    """What a request has that is in the lane: `x-lane: green`."""
    return ", ".join(f"{name}: {value}" for name, value in lane["header"].items())


def ready(lane: LaneStatus) -> str:
    """Whether every pod of the lane and every proxy's rules for it are there, in a word."""
    return "yes" if lane["ready"] and lane["confirmed"] else "no"


def step(release: ReleaseStatus) -> str:
    """The step that a release is at, of how many."""
    return f"{release['step'] + 1}/{release['steps']}"


def _nothing(obj: Json, world: World) -> tuple[str, ...]:
    return ()


def _app(obj: Json, world: World) -> tuple[str, ...]:
    app = next((a for a in world.status["apps"] if _is(obj, a)), None)
    hosts = ", ".join(obj["spec"].get("routing", {}).get("hosts", [])) or "-"
    if app is None:
        return ("-", "-", "-", "-", hosts)
    return (app["stable"], weights(app), all_pods(app), app["release"] or "-", hosts)


def _lane(obj: Json, world: World) -> tuple[str, ...]:
    lane = next((each for each in world.status["lanes"] if _is(obj, each)), None)
    return lane_cells(lane) if lane else ("-", "-", "-", "-")


def lane_cells(lane: LaneStatus) -> tuple[str, ...]:
    """A lane's header, apps with their pods, whether it is ready, and its end."""
    apps = ", ".join(f"{app['name']} {pods(app['replicas'])}" for app in lane["apps"]) or "-"
    return (header(lane), apps, ready(lane), lane["expiresAt"] or "-")


def _is(obj: Json, status: AppStatus | LaneStatus) -> bool:
    metadata = obj["metadata"]
    return (metadata["namespace"], metadata["name"]) == (status["namespace"], status["name"])


def _release(obj: Json, world: World) -> tuple[str, ...]:
    apps, said = obj["spec"]["apps"], obj.get("status") or {}
    names, revisions = (", ".join(app[field] for app in apps) for field in ("name", "revision"))
    return (names, revisions, said.get("phase", "-"), said.get("reason") or "-")


def _deployment(obj: Json, world: World) -> tuple[str, ...]:
    metadata, container = obj["metadata"], obj["spec"]["template"]["spec"]["containers"][0]
    if any(_is_template(app, metadata) for app in world.apps):
        return ("template", container.get("image", "-"))
    mine = [pod for pod in world.pods if _belongs(pod, metadata["namespace"], metadata["name"])]
    ready = sum(PodBody(pod).stage == READY for pod in mine)
    return (f"{ready}/{obj['spec'].get('replicas', 1)}", container.get("image", "-"))


def _is_template(app: Json, metadata: Json) -> bool:
    named = app["spec"]["workload"].get("deployment")
    return bool((app["metadata"]["namespace"], named) == (metadata["namespace"], metadata["name"]))


def _belongs(pod: Json, namespace: str, deployment: str) -> bool:
    found = PodBody(pod)
    return (found.key.namespace, found.deployment) == (namespace, deployment)


def _autoscaler(obj: Json, world: World) -> tuple[str, ...]:
    spec, said = obj["spec"], obj.get("status") or {}
    target = spec["scaleTargetRef"]
    now = {
        _metric_name(each): each[each["type"].lower()]["current"] for each in said.get("currentMetrics", ())
    }
    metrics = ", ".join(_metric(each, now.get(_metric_name(each), {})) for each in spec.get("metrics", ()))
    size = said.get("currentReplicas", "-"), said.get("desiredReplicas", "-")
    bounds = f"{spec.get('minReplicas', 1)}-{spec['maxReplicas']}"
    return (f"{target['kind']}/{target['name']}", metrics or "cpu", bounds, str(size[0]), str(size[1]))


def _metric_name(metric: Json) -> str:
    said = metric[metric["type"].lower()]
    return str(said["metric"]["name"] if "metric" in said else said["name"])


def _metric(metric: Json, current: Json) -> str:
    """A metric as `name now/target`."""
    target = metric[metric["type"].lower()]["target"]
    field = next(each for each in ("averageUtilization", "averageValue", "value") if each in target)
    unit = "%" if field == "averageUtilization" else ""
    return f"{_metric_name(metric)} {current.get(field, '?')}{unit}/{target[field]}{unit}"


def _pod(obj: Json, world: World) -> tuple[str, ...]:
    pod = PodBody(obj)
    return (pod.stage, str(pod.restarts), pod.address)


def _service(obj: Json, world: World) -> tuple[str, ...]:
    ports = ", ".join(f"{port.get('name', '')}:{port['port']}".lstrip(":") for port in obj["spec"]["ports"])
    return (_labels(obj["spec"].get("selector", {})), ports)


def _virtual_service(obj: Json, world: World) -> tuple[str, ...]:
    spec = obj["spec"]
    rules = sum(len(spec.get(layer, ())) for layer in ("http", "tls", "tcp"))
    return (", ".join(spec.get("gateways", ["mesh"])), ", ".join(spec["hosts"]), str(rules))


def _destination_rule(obj: Json, world: World) -> tuple[str, ...]:
    return (
        obj["spec"]["host"],
        ", ".join(subset["name"] for subset in obj["spec"].get("subsets", [])) or "-",
    )


def _gateway(obj: Json, world: World) -> tuple[str, ...]:
    servers = obj["spec"]["servers"]
    hosts = ", ".join(host for server in servers for host in server["hosts"])
    return (
        _labels(obj["spec"].get("selector", {})),
        ", ".join(str(s["port"]["number"]) for s in servers),
        hosts,
    )


def _service_entry(obj: Json, world: World) -> tuple[str, ...]:
    spec = obj["spec"]
    return (", ".join(spec["hosts"]), spec.get("location", "MESH_EXTERNAL"), spec.get("resolution", "DNS"))


def _sidecar(obj: Json, world: World) -> tuple[str, ...]:
    spec = obj.get("spec", {})
    hosts = [host for listener in spec.get("egress", []) for host in listener["hosts"]]
    policy = spec.get("outboundTrafficPolicy")
    mode = policy.get("mode", "REGISTRY_ONLY") if policy is not None else "as the mesh"
    return _labels(spec.get("workloadSelector", {}).get("labels", {})), ", ".join(hosts) or "*/*", mode


def _labels(labels: Json) -> str:
    return ", ".join(f"{name}={value}" for name, value in labels.items()) or "-"


def _config_map(obj: Json, world: World) -> tuple[str, ...]:
    return (str(len(obj.get("data", {})) + len(obj.get("binaryData", {}))),)


def _secret(obj: Json, world: World) -> tuple[str, ...]:
    return obj.get("type", "Opaque"), str(len(obj.get("data", {})))


_TABLES: dict[str, tuple[Sequence[str], Row]] = {
    "App": (("stable", "traffic", "pods", "release", "hosts"), _app),
    "Lane": (("header", "apps", "ready", "ends"), _lane),
    "Release": (("app", "revision", "phase", "reason"), _release),
    "Deployment": (("ready", "image"), _deployment),
    "HorizontalPodAutoscaler": (("target", "metrics", "bounds", "pods", "desired"), _autoscaler),
    "Pod": (("stage", "restarts", "address"), _pod),
    "Service": (("selector", "ports"), _service),
    "ConfigMap": (("data",), _config_map),
    "Secret": (("type", "data"), _secret),
    "VirtualService": (("gateways", "hosts", "rules"), _virtual_service),
    "DestinationRule": (("host", "subsets"), _destination_rule),
    "Gateway": (("selector", "ports", "hosts"), _gateway),
    "ServiceEntry": (("hosts", "location", "resolution"), _service_entry),
    "Sidecar": (("selector", "hosts", "others"), _sidecar),
}
