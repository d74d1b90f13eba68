"""The status document: what was seen and decided in one pass, for everyone who looks or waits. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from laneway.control.status import (
    AppStatus,
    Finding,
    GateSaid,
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
from laneway.plan.lanes import expiry
from laneway.plan.observed import AppSeen, LaneAppSeen, Observed, VersionSeen
from laneway.plan.ramping import stages
from laneway.plan.records import is_of, status_of, views
from laneway.plan.result import AppPlan, Plan, Report
from laneway.spec.lane import Lane
from laneway.spec.lane import LaneApp as LaneAppWanted
from laneway.spec.meta import Key
from laneway.spec.release import GateResult, Release
from laneway.spec.values import FULL, format_percent
from laneway.spec.world import Spec

NOTHING = VersionSeen()


@dataclass(frozen=True, slots=True)
class View:
    """One pass. workloads: Deployments outside any App; extra: findings of the engine's own."""

    spec: Spec
    observed: Observed
    planned: Plan
    report: Report
    workloads: Mapping[Key, VersionSeen]
    proxies: Proxies
    extra: tuple[Finding, ...] = ()

    @property
    def releases(self) -> Mapping[Key, Release]:
        """The releases as this pass leaves them."""
        return {**self.spec.releases, **{release.key: release for release in self.planned.releases}}


def overview(view: View, version: int, taken_up: int, urls: list[str], isolation: Isolation) -> Status:
    """The status document of a pass.

    version: its own; taken_up: the store's version that the pass saw; urls: of the ingress, one at least.
    """
    apps, lanes = apps_of(view), lanes_of(view)
    workloads = [_workload(key, seen) for key, seen in sorted(view.workloads.items())]
    begun = [r for r in view.releases.values() if r.status]
    releases = sorted(begun, key=lambda r: (r.status.started_at if r.status else datetime.min, r.key))
    return Status(
        version=version,
        observed=taken_up,
        ingress=urls[0],
        urls=urls,
        isolation=isolation,
        ready=all(part["ready"] for part in (*apps, *lanes, *workloads)),
        confirmed=not view.proxies["laggards"] and all(part["confirmed"] for part in (*apps, *lanes)),
        apps=apps,
        workloads=workloads,
        lanes=lanes,
        releases=[
            release_status(view.spec, release, part.name)
            for release in releases
            for part in release.spec.apps
        ],
        proxies=view.proxies,
        findings=[*_findings(view.report), *view.extra],
    )


def apps_of(view: View) -> list[AppStatus]:
    """The Apps in the status document."""
    return [_app(view, plan) for plan in view.planned.apps]


def lanes_of(view: View) -> list[LaneStatus]:
    """The Lanes in the status document."""
    return [_lane(view, lane) for _, lane in sorted(view.spec.lanes.items())]


def _app(view: View, planned: AppPlan) -> AppStatus:
    seen = view.observed.apps.get(planned.key, AppSeen())
    app = view.spec.apps[planned.key]
    written = seen.written.weights if seen.written else {}
    active = next((r for r in view.releases.values() if _runs(r, planned.key)), None)
    versions = [
        Version(
            revision=version.revision,
            role=version.role.value,
            image=version.template.image,
            weight=format_percent(planned.weights.get(version.revision, 0)),
            served=format_percent(written.get(version.revision, 0)) if seen.confirmed else None,
            replicas=_replicas(version.replicas, seen.versions.get(version.revision, NOTHING)),
        )
        for version in planned.versions
    ]
    return AppStatus(
        namespace=planned.key.namespace,
        name=planned.key.name,
        hosts=list(app.spec.routing.hosts),
        ready=bool(written) and all(v["replicas"]["ready"] >= v["replicas"]["wanted"] for v in versions),
        confirmed=bool(written) and seen.confirmed and dict(written) == dict(planned.weights),
        stable=planned.stable,
        versions=versions,
        release=active.metadata.name if active else None,
    )


def _runs(release: Release, app: Key) -> bool:
    return is_of(app, release) and release.status is not None and not release.status.phase.over


def _replicas(wanted: int, seen: VersionSeen) -> Replicas:
    return Replicas(wanted=wanted, pods=seen.pods, ready=seen.available)


def _workload(key: Key, seen: VersionSeen) -> WorkloadStatus:
    replicas = _replicas(seen.desired, seen)
    ready = seen.available >= seen.desired
    return WorkloadStatus(namespace=key.namespace, name=key.name, ready=ready, replicas=replicas)


def _lane(view: View, lane: Lane) -> LaneStatus:
    seen = view.observed.lanes.get(lane.key, {})
    apps = [_lane_app(app, seen.get(app.name)) for app in lane.spec.apps]
    end = expiry(lane)
    return LaneStatus(
        namespace=lane.key.namespace,
        name=lane.key.name,
        header={view.spec.mesh.lane.header: lane.value},
        ready=all(app["replicas"]["ready"] >= max(1, app["replicas"]["wanted"]) for app in apps),
        confirmed=all(_routed(view, lane, app["name"]) for app in apps),
        expiresAt=end.isoformat() if end else None,
        owner=lane.spec.owner,
        apps=apps,
    )


def _lane_app(wanted: LaneAppWanted, found: LaneAppSeen | None) -> LaneApp:
    image = found.template.image if found else wanted.image
    replicas = _replicas(wanted.replicas, found.version if found else NOTHING)
    return LaneApp(name=wanted.name, base=found.base if found else "", image=image or "", replicas=replicas)


def _routed(view: View, lane: Lane, app: str) -> bool:
    """Whether every proxy sends the lane's requests for the app to the lane's version."""
    seen = view.observed.apps.get(Key(lane.key.namespace, app))
    return bool(seen and seen.confirmed and seen.written and lane.metadata.name in seen.written.lanes)


def release_status(spec: Spec, release: Release, name: str) -> ReleaseStatus:
    """The document of a release that has begun, for one of its apps."""
    view = views(release)[Key(release.key.namespace, name)]
    status, part = status_of(view), view.spec.apps[0]
    app = spec.apps.get(Key(release.key.namespace, release.spec.apps[0].name))
    steps = stages(app.spec.release, status.ramp) if app else ()
    weight = steps[min(status.step, len(steps) - 1)].weight if steps else FULL
    return ReleaseStatus(
        namespace=release.key.namespace,
        name=release.key.name,
        app=part.name,
        together=[each.name for each in release.spec.apps if each.name != name],
        revision=part.revision,
        stable=status.stable,
        phase=status.phase.value,
        step=status.step,
        steps=len(steps),
        weight=format_percent(weight),
        startedAt=status.started_at.isoformat(),
        heldSince=_time(status.held_since),
        finishedAt=_time(status.finished_at),
        gates=[_gate(result) for result in status.gates],
        reason=status.reason,
        supersededBy=status.superseded_by,
    )


def _gate(result: GateResult) -> GateSaid:
    return GateSaid(
        step=result.step,
        gate=result.gate,
        passed=result.passed,
        at=result.at.isoformat(),
        evidence=result.evidence,
    )


def _time(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def _findings(report: Report) -> Iterable[Finding]:
    for finding in report.findings:
        yield Finding(
            code=finding.code,
            severity=finding.severity.value,
            namespace=finding.subject.namespace,
            name=finding.subject.name,
            text=finding.text,
        )
