"""The status document, read from what the controller has written into Apps, Lanes and Releases. Pure.

Must not decide anything: the planner did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from laneway.control.overview import release_status
from laneway.control.status import (
    AppStatus,
    Finding,
    Isolation,
    LaneApp,
    LaneStatus,
    Proxies,
    ReleaseStatus,
    Replicas,
    Status,
    Version,
    WorkloadStatus,
)
from laneway.kubernetes.service.reading import read
from laneway.manifests import names
from laneway.spec.lane import Mesh, MeshSpec
from laneway.spec.load import spec_of
from laneway.spec.meta import Key, key_of
from laneway.spec.release import Release

Json = dict[str, Any]

KINDS = ("App", "Lane", "Release", "Mesh", "Deployment")
"""What it is read from."""
ISOLATION: Isolation = {"mode": "namespaces", "why": "pods of a cluster"}
STALLED, CONTESTED = "Stalled", "TemplateContested"
"""Conditions that are findings: they say what a person has to do."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is. objects: by kind; urls: of the ingress; extra: what was found besides."""

    objects: Mapping[str, list[Json]]
    urls: tuple[str, ...] = ()
    extra: tuple[Finding, ...] = field(default=())


def status(seen: Seen, version: int, taken_up: int) -> Status:
    """The document. version: its own; taken_up: of this command's writes, what the controller has seen."""
    apps = [_app(body) for body in seen.objects["App"]]
    header = _header(seen.objects["Mesh"])
    lanes = [_lane(body, header) for body in seen.objects["Lane"]]
    workloads = [_workload(body) for body in _of_nobody(seen.objects)]
    reported = [*seen.objects["App"], *seen.objects["Lane"]]
    return Status(
        version=version,
        observed=taken_up,
        ingress=seen.urls[0] if seen.urls else "",
        urls=list(seen.urls),
        isolation=ISOLATION,
        ready=all(part["ready"] for part in (*apps, *lanes, *workloads)),
        confirmed=all(part["confirmed"] for part in (*apps, *lanes)),
        apps=apps,
        workloads=workloads,
        lanes=lanes,
        releases=list(_releases(seen.objects)),
        proxies=Proxies(total=0, confirmed=0, laggards=[]),
        findings=[*seen.extra, *(finding for body in reported for finding in _findings(body))],
    )


def _said(body: Json) -> Json:
    said: Json = body.get("status") or {}
    return said


def _app(body: Json) -> AppStatus:
    said, key = _said(body), key_of(body)
    versions = [_version(each) for each in said.get("versions") or ()]
    weighted = [version for version in versions if version["weight"]]
    return AppStatus(
        namespace=key.namespace,
        name=key.name,
        hosts=list((body["spec"].get("routing") or {}).get("hosts") or ()),
        ready=bool(weighted) and all(_is_full(version["replicas"]) for version in versions),
        confirmed=bool(weighted) and all(version["served"] == version["weight"] for version in versions),
        stable=said.get("stable") or "",
        versions=versions,
        release=said.get("release"),
    )


def _version(said: Json) -> Version:
    return Version(
        revision=said["revision"],
        role=said["role"],
        image=said.get("image", ""),
        weight=_number(said.get("weight", 0)),
        served=_number(said["served"]) if said.get("served") is not None else None,
        replicas=_replicas(said),
    )


def _number(value: float) -> int | float:
    return int(value) if value == int(value) else value


def _replicas(said: Json) -> Replicas:
    return Replicas(wanted=said.get("wanted", 0), pods=said.get("pods", 0), ready=said.get("ready", 0))


def _is_full(replicas: Replicas) -> bool:
    return replicas["ready"] >= replicas["wanted"]


def _header(meshes: Iterable[Json]) -> str:
    found = (read(body)[0] for body in meshes)
    return next((mesh.spec for mesh in found if isinstance(mesh, Mesh)), MeshSpec()).lane.header


def _lane(body: Json, header: str) -> LaneStatus:
    said, key, spec = _said(body), key_of(body), body.get("spec") or {}
    told = {each["name"]: each for each in said.get("apps") or ()}
    apps = [_lane_app(each, told.get(each["name"], {})) for each in spec.get("apps") or ()]
    serves = _holds(body, "Ready")
    return LaneStatus(
        namespace=key.namespace,
        name=key.name,
        header=said.get("header") or {header: spec.get("value") or key.name},
        ready=serves or (bool(said) and all(app["replicas"]["ready"] >= _least(app) for app in apps)),
        confirmed=serves,
        expiresAt=said.get("expiresAt"),
        owner=spec.get("owner"),
        apps=apps,
    )


def _least(app: LaneApp) -> int:
    return max(1, app["replicas"]["wanted"])


def _lane_app(wanted: Json, said: Json) -> LaneApp:
    return LaneApp(
        name=wanted["name"],
        base=said.get("base") or wanted.get("base") or "",
        image=said.get("image") or wanted.get("image") or "",
        replicas=_replicas({"wanted": wanted.get("replicas", 1)} | said),
    )


def _holds(body: Json, kind: str) -> bool:
    return any(each["type"] == kind and each["status"] == "True" for each in _conditions(body))


def _conditions(body: Json) -> list[Json]:
    """Those that were said of the object as it is now."""
    current = body["metadata"].get("generation")
    found: list[Json] = _said(body).get("conditions") or []
    return [each for each in found if each.get("observedGeneration", current) == current]


def _of_nobody(objects: Mapping[str, list[Json]]) -> Iterator[Json]:
    """Deployments that run as they are: neither Laneway's nor the template of an App."""
    templates = {
        Key(key_of(app).namespace, name)
        for app in objects["App"]
        if (name := (app["spec"].get("workload") or {}).get("deployment"))
    }
    for body in objects["Deployment"]:
        if not names.managed(body) and key_of(body) not in templates:
            yield body


def _workload(body: Json) -> WorkloadStatus:
    said, key = _said(body), key_of(body)
    wanted = body["spec"].get("replicas", 1)
    replicas = Replicas(wanted=wanted, pods=said.get("replicas", 0), ready=said.get("availableReplicas", 0))
    return WorkloadStatus(namespace=key.namespace, name=key.name, ready=_is_full(replicas), replicas=replicas)


def _releases(objects: Mapping[str, list[Json]]) -> Iterator[ReleaseStatus]:
    """Those that have begun, oldest first."""
    apps = [found for body in objects["App"] if (found := read(body)[0])]
    records = [found for body in objects["Release"] if isinstance(found := read(body)[0], Release)]
    spec = spec_of([*apps, *records])
    begun = [(each.status.started_at, each.key, each) for each in records if each.status]
    for _, _, release in sorted(begun, key=lambda each: each[:2]):
        for part in release.spec.apps:
            yield release_status(spec, release, part.name)


def _findings(body: Json) -> Iterator[Finding]:
    key, texts = key_of(body), set[str]()
    for each in _said(body).get("findings") or ():
        texts.add(each["text"])
        yield _finding(key, each["code"], each["severity"], each["text"])
    for condition in _conditions(body):
        text = condition.get("message", "")
        if condition["status"] == "True" and text not in texts:
            if condition["type"] == STALLED:
                yield _finding(key, STALLED, "error", text)
            elif condition["type"] == CONTESTED:
                yield _finding(key, CONTESTED, "warning", text)


def _finding(key: Key, code: str, severity: Any, text: str) -> Finding:
    return Finding(code=code, severity=severity, namespace=key.namespace, name=key.name, text=text)
