"""Lanes: which rules each app needs, and the versions that lanes deploy. Must not know weights.

Sparse: an app that a lane does not deploy gets no rule for it, unless the lane refuses what it lacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from laneway.plan.observed import LaneAppSeen, Observed
from laneway.plan.result import Finding, LaneRule, LaneVersionPlan, Severity
from laneway.spec.lane import Lane, LaneApp
from laneway.spec.meta import Key
from laneway.spec.template import Template
from laneway.spec.world import Spec


@dataclass(frozen=True, slots=True)
class Lanes:
    """The lanes of a namespace. deploys: by app name, then lane name; dense: lanes that refuse."""

    by_name: Mapping[str, Lane] = field(default_factory=dict)
    deploys: Mapping[str, Mapping[str, LaneApp]] = field(default_factory=dict)
    concerns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    dense: tuple[str, ...] = ()


class Base(NamedTuple):
    """What a lane's version is made of: a revision, its template, and the folder as in `Kept`."""

    revision: str
    template: Template
    folder: str = ""


def expiry(lane: Lane) -> datetime | None:
    """When a lane ends by itself; None: never, or its creation is not known yet."""
    created = lane.metadata.creation_timestamp
    return created + lane.spec.ttl if created and lane.spec.ttl else None


def index(spec: Spec, now: datetime) -> tuple[dict[str, Lanes], tuple[Key, ...], datetime | None]:
    """The living lanes by namespace, the expired ones, and when the next expires."""
    living: dict[str, dict[str, Lane]] = {}
    expired: list[Key] = []
    ends: list[datetime] = []
    for key, lane in sorted(spec.lanes.items()):
        end = expiry(lane)
        if end and end <= now:
            expired.append(key)
            continue
        if end:
            ends.append(end)
        living.setdefault(key.namespace, {})[key.name] = lane
    return {ns: _indexed(lanes) for ns, lanes in living.items()}, tuple(expired), min(ends, default=None)


def _indexed(lanes: Mapping[str, Lane]) -> Lanes:
    deploys: dict[str, dict[str, LaneApp]] = {}
    for name, lane in lanes.items():
        for app in lane.spec.apps:
            deploys.setdefault(app.name, {})[name] = app
    through: dict[str, list[str]] = {}
    for name, lane in lanes.items():
        for other in lane.spec.fallback.through:
            through.setdefault(other, []).append(name)
    concerns = {
        app: tuple(sorted(set(names) | {user for name in names for user in through.get(name, ())}))
        for app, names in deploys.items()
    }
    dense = tuple(name for name, lane in lanes.items() if lane.spec.fallback.otherwise == "refuse")
    return Lanes(lanes, deploys, concerns, dense)


def rules(app: Key, lanes: Lanes, seen: Observed) -> tuple[tuple[LaneRule, ...], tuple[Finding, ...]]:
    """The lane rules of one app, sorted by lane, and a finding for each version that cannot serve yet."""
    deployed = lanes.deploys.get(app.name, {})
    table = seen.apps[app].written if app in seen.apps else None
    named = table.lanes if table else frozenset()
    waiting = {
        lane: why
        for lane in sorted(deployed)
        if (why := _not_ready(seen.lanes.get(Key(app.namespace, lane), {}).get(app.name), lane in named))
    }
    findings = tuple(
        Finding("LaneNotReady", app, f"lane {lane} does not serve {app.name} yet: {why}", Severity.INFO)
        for lane, why in waiting.items()
    )
    names = sorted({*lanes.concerns.get(app.name, ()), *lanes.dense})
    found = (_rule(lanes.by_name[name], deployed, waiting) for name in names)
    return tuple(rule for rule in found if rule), findings


def _rule(lane: Lane, deployed: Mapping[str, LaneApp], waiting: Mapping[str, str]) -> LaneRule | None:
    chain = (lane.metadata.name, *lane.spec.fallback.through)
    to = next((name for name in chain if name in deployed and name not in waiting), None)
    if to is None and lane.spec.fallback.otherwise == "baseline":
        return None
    return LaneRule(lane.metadata.name, lane.value, to)


def _not_ready(seen: LaneAppSeen | None, named: bool) -> str | None:
    """Why a rule may not lead to this version. named: one does already, so its Service was confirmed once."""
    if seen is None or not seen.version.available:
        return "no pod of it is available"
    return None if named or seen.confirmed else "its Service is not yet confirmed by every proxy"


def bases(seen: Observed) -> dict[Key, frozenset[str]]:
    """The revisions that the lanes' versions of each app are made of."""
    found: dict[Key, set[str]] = {}
    for lane, apps in seen.lanes.items():
        for name, before in apps.items():
            found.setdefault(Key(lane.namespace, name), set()).add(before.base)
    return {app: frozenset(revisions) for app, revisions in found.items()}


def versions(
    lanes: Mapping[str, Lanes], stables: Mapping[Key, Base], seen: Observed
) -> Iterator[LaneVersionPlan]:
    """What lanes deploy: the kept template of their base, patched. A baseline release never re-rolls one.

    stables: the stable revision of each app.
    """
    for namespace, indexed in sorted(lanes.items()):
        for app_name, deployed in sorted(indexed.deploys.items()):
            app = Key(namespace, app_name)
            if app not in stables:
                continue
            for name, wanted in deployed.items():
                lane = Key(namespace, name)
                before = seen.lanes.get(lane, {}).get(app_name)
                base = _base(app, wanted, before, stables[app], seen)
                yield LaneVersionPlan(
                    lane,
                    app_name,
                    base.revision,
                    base.template,
                    wanted.replicas,
                    wanted.image,
                    tuple(wanted.env),
                    base.folder,
                )
    yield from _leaving(lanes, seen)


def _base(app: Key, wanted: LaneApp, before: LaneAppSeen | None, stable: Base, seen: Observed) -> Base:
    """The revision that a lane's version is made of.

    The same for as long as it exists, unless the lane names another one that is kept. Where that template is
    lost, it is patched again as it runs.
    """
    kept = seen.apps[app].kept if app in seen.apps else {}
    if wanted.base and wanted.base in kept:
        revision = wanted.base
    elif before is None:
        return stable
    else:
        revision = before.base
        if revision not in kept:
            return Base(revision, before.template, before.folder)
    return Base(revision, kept[revision].template, kept[revision].folder)


def _leaving(lanes: Mapping[str, Lanes], seen: Observed) -> Iterator[LaneVersionPlan]:
    """Versions that no lane wants any more, as long as they are needed; without pods of their own in the end.

    What they are reached by stays until their last pod is gone: streams that are open would end with it.
    """
    for lane, apps in sorted(seen.lanes.items()):
        indexed = lanes.get(lane.namespace, Lanes())
        for name, before in sorted(apps.items()):
            if lane.name in indexed.deploys.get(name, {}):
                continue
            needed = _needed(lane, name, before, seen)
            if needed or before.version.pods:
                replicas = before.version.desired if needed else 0
                yield LaneVersionPlan(
                    lane, name, before.base, before.template, replicas, folder=before.folder
                )


def _needed(lane: Key, name: str, before: LaneAppSeen, seen: Observed) -> bool:
    """Whether some proxy may still have a rule for it, or some request needs its pods."""
    app = seen.apps.get(Key(lane.namespace, name))
    if app is None or app.written is None or not before.version.desired:
        return False
    return lane.name in app.written.lanes or not app.confirmed or not before.version.drained
