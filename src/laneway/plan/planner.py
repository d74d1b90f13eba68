"""plan(spec, observed, now) -> (Plan, Report): what is safe to do now, and why nothing more.

Pure, and leaves no choices to its executor. Killed anywhere and started again it continues, because all it knows is
in its arguments; given a settled world it changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from laneway.plan import lanes as lane_plans
from laneway.plan.gates import POD_GATES, WEIGHT_GATES, Gate, Move
from laneway.plan.lanes import Lanes
from laneway.plan.observed import AppSeen, Kept, Observed, Role
from laneway.plan.release import Course, advance, begin, roles_after, status_of, under_way
from laneway.plan.result import AppPlan, Finding, LaneRule, Plan, Report, Severity, VersionPlan
from laneway.plan.revision import revision_of
from laneway.plan.situation import Situation
from laneway.plan.sizing import bounds, size, surge_pods
from laneway.spec.app import App, Scale
from laneway.spec.kubernetes import PodTemplate
from laneway.spec.meta import Key
from laneway.spec.release import Release
from laneway.spec.values import FULL
from laneway.spec.world import Spec

RETIRED_KEPT = 5
"""Templates that an app keeps besides those in use, so that an older revision can be rebuilt."""

DEFAULT_SCALE = Scale()


@dataclass(frozen=True, slots=True)
class _Outcome:
    plan: AppPlan
    releases: tuple[Release, ...]
    findings: tuple[Finding, ...]
    wake: datetime | None


def plan(
    spec: Spec, observed: Observed, now: datetime, gates: tuple[Gate, ...] = WEIGHT_GATES + POD_GATES
) -> tuple[Plan, Report]:
    """The targets that are safe now, and every reason why they are not further on.

    spec: what people want; observed: the world, as far as it is known; now: UTC; gates: all of them, unless a test
    shows what one of them is for. Never raises: an App whose template is missing is left alone (`check` names it).
    """
    indexed, expired, next_expiry = lane_plans.index(spec, now)
    begun = _begun(spec)
    outcomes = [
        outcome
        for key, app in sorted(spec.apps.items())
        if (
            outcome := _plan_app(
                app, spec, observed, begun.get(key, ()), indexed.get(key.namespace, Lanes()), now, gates
            )
        )
    ]
    stables = {o.plan.key: (o.plan.stable, _template(o.plan, o.plan.stable)) for o in outcomes}
    wakes = [wake for wake in (next_expiry, *(o.wake for o in outcomes)) if wake]
    result = Plan(
        apps=tuple(o.plan for o in outcomes),
        lanes=tuple(lane_plans.versions(indexed, stables, spec, observed)),
        releases=tuple(release for o in outcomes for release in o.releases),
        expired=expired,
        wake=min(wakes, default=None),
    )
    return result, Report(tuple(finding for o in outcomes for finding in o.findings))


def _begun(spec: Spec) -> dict[Key, tuple[Release, ...]]:
    by_app: dict[Key, tuple[Release, ...]] = {}
    for release in spec.releases.values():
        if release.status:
            key = Key(release.key.namespace, release.spec.apps[0].name)
            by_app[key] = (*by_app.get(key, ()), release)
    return by_app


def _template(app: AppPlan, revision: str) -> PodTemplate:
    return next(version.template for version in app.versions if version.revision == revision)


def _plan_app(
    app: App, spec: Spec, observed: Observed, begun: tuple[Release, ...], lanes: Lanes, now: datetime,
    gates: tuple[Gate, ...],
) -> _Outcome | None:  # fmt: skip
    template = spec.template(app)
    if template is None:
        return None
    seen = observed.apps.get(app.key, AppSeen())
    wanted = revision_of(template)
    stable = _stable(seen, wanted)
    kept = {**seen.kept, wanted: seen.kept.get(wanted, Kept(template, Role.CANDIDATE))}
    course = _course(app, spec, seen, wanted, stable, begun, now)
    roles = roles_after(course, kept, stable, wanted)
    stable = next(revision for revision, role in roles.items() if role is Role.STABLE)
    situation = _situation(app, spec, seen, stable, course, observed.laggards)
    move, findings = _move(situation, course, gates)
    rules, lane_findings = lane_plans.rules(app.key, lanes, observed)
    result = _app_plan(app, situation, move, kept, roles, rules, observed)
    releases = tuple(r for r in (course.ended, course.active) if r and spec.releases.get(r.key) != r)
    refused = _refused(app, roles, wanted)
    return _Outcome(result, releases, (*course.findings, *findings, *refused, *lane_findings), course.wake)


def _stable(seen: AppSeen, wanted: str) -> str:
    """The stable revision: as labelled; the wanted one where there is none, or where none has ever served."""
    labelled = next((revision for revision, kept in seen.kept.items() if kept.role is Role.STABLE), None)
    return labelled if labelled and seen.written is not None else wanted


def _course(
    app: App, spec: Spec, seen: AppSeen, wanted: str, stable: str, begun: tuple[Release, ...], now: datetime
) -> Course:
    active = under_way(app.key, begun)
    if active is not None:
        return advance(app, wanted, seen, active, now)
    refused = wanted in seen.kept and seen.kept[wanted].role is Role.REFUSED
    if wanted == stable or refused:
        return Course(None)
    base = max(spec.replicas(app), seen.versions[stable].desired if stable in seen.versions else 0)
    return advance(app, wanted, seen, begin(app, wanted, stable, base, now, spec.releases), now)


def _situation(
    app: App, spec: Spec, seen: AppSeen, stable: str, course: Course, laggards: tuple[str, ...]
) -> Situation:
    scale = app.spec.scale or DEFAULT_SCALE
    base = status_of(course.active).base if course.active else spec.replicas(app)
    return Situation(
        key=app.key,
        seen=seen,
        stable=stable,
        candidate=course.active.spec.apps[0].revision if course.active else None,
        base=base,
        surge=surge_pods(base, scale.surge),
        overload=app.spec.release.rollback.overload,
        aborting=course.aborting,
        laggards=laggards,
    )


def _move(s: Situation, course: Course, gates: tuple[Gate, ...]) -> tuple[Move, list[Finding]]:
    wanted = _wanted(s, course)
    move, findings = Move(wanted, wanted, {}), []
    for gate in (g for g in WEIGHT_GATES if g in gates):
        move, finding = gate(s, move)
        findings += [finding] if finding else []
    pods = {
        revision: size(max(move.wanted.get(revision, 0), move.weights.get(revision, 0)), s.base)
        for revision in {**move.wanted, **move.weights}
    }
    move = replace(move, pods=pods)
    for gate in (g for g in POD_GATES if g in gates):
        move, finding = gate(s, move)
        findings += [finding] if finding else []
    return move, findings


def _wanted(s: Situation, course: Course) -> dict[str, int]:
    if s.candidate is None:
        return {s.stable: FULL}
    if course.target is None:
        return dict(s.written)
    weights = {s.candidate: course.target, s.stable: FULL - course.target}
    return {revision: weight for revision, weight in weights.items() if weight}


def _app_plan(
    app: App, s: Situation, move: Move, kept: Mapping[str, Kept], roles: Mapping[str, Role],
    rules: tuple[LaneRule, ...], observed: Observed,
) -> AppPlan:  # fmt: skip
    written = s.seen.written.weights if s.seen.written else {}
    weights = move.weights if s.seen.written or _starts(s) else {}
    retired = [r for r in kept if roles[r] is Role.RETIRED and not move.pods.get(r)]
    used = {
        seen.base
        for lane in observed.lanes.values()
        for name, seen in lane.items()
        if name == app.metadata.name
    }
    dropped = {r for r in retired[: max(0, len(retired) - RETIRED_KEPT)] if r not in used}
    versions = tuple(
        VersionPlan(
            revision=revision,
            template=template.template,
            role=roles[revision],
            replicas=move.pods.get(revision, 0),
            subset=bool(move.pods.get(revision, 0) or revision in weights or revision in written),
            bounds=_bounds(app, s, move, revision),
        )
        for revision, template in kept.items()
        if revision not in dropped
    )
    return AppPlan(app.key, s.stable, versions, weights, rules, guard=len(weights) > 1)


def _starts(s: Situation) -> bool:
    """The first rules stand as soon as one pod can answer, and every proxy knows the subset."""
    return s.version(s.stable).available > 0 and s.stable in s.seen.subsets


def _bounds(app: App, s: Situation, move: Move, revision: str) -> tuple[int, int] | None:
    scale = app.spec.scale
    if scale is None or not scale.metrics or scale.max is None or not move.pods.get(revision):
        return None
    carry = max(move.wanted.get(revision, 0), move.weights.get(revision, 0), s.written.get(revision, 0))
    return bounds(carry, s.base, scale.max)


def _refused(app: App, roles: Mapping[str, Role], wanted: str) -> tuple[Finding, ...]:
    if roles[wanted] is not Role.REFUSED:
        return ()
    text = (
        f"{app.metadata.name} stays at its stable revision: {wanted} was rolled back and is not tried again"
    )
    return (Finding("RevisionRefused", app.key, text, Severity.WARNING),)
