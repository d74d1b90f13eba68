"""A plan against what is stored: which objects to write and delete, each with its reason. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from laneway.control.observe import Body
from laneway.manifests import names
from laneway.manifests.reading import table_of
from laneway.manifests.render import manifests
from laneway.plan.observed import Table
from laneway.plan.result import Plan
from laneway.spec.istio import VirtualService
from laneway.spec.meta import Key, key_of
from laneway.spec.release import Release
from laneway.spec.values import format_percent
from laneway.spec.world import Spec

DERIVED_KINDS = (
    "VirtualService",
    "DestinationRule",
    "Gateway",
    "Service",
    "PodDisruptionBudget",
    "ScaledObject",
    "HorizontalPodAutoscaler",
    "Deployment",
    "ControllerRevision",
)
"""What Laneway derives; deleted in this order: rules before what they name."""


@dataclass(frozen=True, slots=True)
class Write:
    """An object to create or replace, and why."""

    body: dict[str, Any]
    reason: str


@dataclass(frozen=True, slots=True)
class Removal:
    """An object to delete, and why."""

    kind: str
    key: Key
    reason: str


@dataclass(frozen=True, slots=True)
class Record:
    """A release's record to write; the object is created where there is none.

    news: it says more than what its judge remembers.
    """

    release: Release
    reason: str
    news: bool = True


@dataclass(frozen=True, slots=True)
class Changes:
    """What makes a plan true, in the order to do it. Empty in a settled world."""

    records: tuple[Record, ...]
    writes: tuple[Write, ...]
    removals: tuple[Removal, ...]

    def __bool__(self) -> bool:
        return bool(self.records or self.writes or self.removals)


def same(stored: Body | None, manifest: Body) -> bool:
    """Whether a stored object is what a manifest says; what the store adds does not count."""
    if stored is None:
        return False
    content = {field for field in (*stored, *manifest) if field not in {"metadata", "status"}}
    if stored["kind"] == "Service" and "clusterIP" not in manifest["spec"]:
        spec = {field: value for field, value in stored["spec"].items() if field != "clusterIP"}
        stored = {**stored, "spec": spec}
    if any(stored.get(field) != manifest.get(field) for field in content):
        return False
    metadata, wanted = stored["metadata"], manifest["metadata"]
    return all(metadata.get(field) == wanted.get(field) for field in ("labels", "annotations"))


@dataclass(frozen=True, slots=True)
class Dialect:
    """How an engine's store has objects.

    form: what becomes of a manifest before it is written; same: whether an object, as it is stored (None:
    it is not), is what a manifest says.
    """

    form: Callable[[dict[str, Any]], dict[str, Any]] = lambda manifest: manifest
    same: Callable[[Body | None, Body], bool] = same


AS_WRITTEN = Dialect()


def changes(
    spec: Spec, planned: Plan, objects: Mapping[str, Iterable[Body]], dialect: Dialect = AS_WRITTEN
) -> Changes:
    """What differs between the plan's manifests and the stored objects.

    objects: as stored, by kind.
    """
    stored = {
        (kind, key_of(body)): body
        for kind in DERIVED_KINDS
        for body in objects.get(kind, ())
        if names.managed(body)
    }
    wanted = [dialect.form(manifest) for manifest in manifests(spec, planned)]
    named = {(manifest["kind"], key_of(manifest)) for manifest in wanted}
    writes = [
        Write(manifest, _reason(before, manifest))
        for manifest in wanted
        if not dialect.same(before := stored.get((manifest["kind"], key_of(manifest))), manifest)
    ]
    gone = [
        Removal(kind, key, "no longer part of the plan") for kind, key in stored if (kind, key) not in named
    ]
    expired = [Removal("Lane", key, "its ttl is over") for key in planned.expired]
    forgotten = [Removal("Release", key, "only the newest records are kept") for key in planned.forgotten]
    gone.sort(key=lambda removal: DERIVED_KINDS.index(removal.kind))
    return Changes(
        records=tuple(_record(release, spec.releases.get(release.key)) for release in planned.releases),
        writes=tuple(writes),
        removals=(*expired, *forgotten, *gone),
    )


def _reason(before: Body | None, after: Body) -> str:
    kind = after["kind"]
    if kind == "Deployment":
        was = before["spec"]["replicas"] if before else 0
        now = after["spec"]["replicas"]
        return f"{was} → {now} pods" if was != now else "its template changed"
    if kind == "VirtualService" and names.APP in (after["metadata"].get("labels") or {}):
        return describe(table_of(key_of(after), VirtualService.model_validate(after)))
    if kind == "ControllerRevision":
        return f"{after['metadata']['labels'][names.ROLE]} revision"
    return "part of the plan"


def describe(table: Table) -> str:
    """A route table in words: the share of each revision, and the lanes that have rules."""
    shares = ", ".join(f"{revision} {format_percent(bp)} %" for revision, bp in sorted(table.weights.items()))
    return shares + (f"; lanes {', '.join(sorted(table.lanes))}" if table.lanes else "")


def _record(release: Release, before: Release | None) -> Record:
    news = before is None or _without_memory(before) != _without_memory(release)
    return Record(release, _course(release, before), news)


def _without_memory(release: Release) -> Release:
    status = release.status.model_copy(update={"judged": None}) if release.status else None
    return release.model_copy(update={"status": status})


def _course(release: Release, before: Release | None) -> str:
    assert release.status is not None
    was = before.status.phase.value if before and before.status else "not begun"
    status = release.status
    ramp = f", ramp at {format_percent(status.ramp)} %" if status.ramp is not None and not status.step else ""
    step = f"step {status.step + 1}{ramp}"
    if was != status.phase.value:
        return f"{was} → {status.phase.value}" + (f": {status.reason}" if status.reason else "")
    return f"{step}: held by every proxy" if status.held_since else step
