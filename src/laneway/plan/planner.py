"""plan(spec, observed, now) -> (Plan, Report): what is safe to do now, and why nothing more.

Pure, and leaves no choices to its executor. Killed anywhere and started again it continues, because all it
knows is in its arguments; given a settled world it changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from laneway.plan import lanes as lane_plans
from laneway.plan.autoscaled import grown, is_autoscaled
from laneway.plan.gates import POD_GATES, WEIGHT_GATES, Gate, Move
from laneway.plan.lanes import Lanes
from laneway.plan.observed import AppSeen, Kept, Observed, Role
from laneway.plan.records import asked_for, begin, newest, status_of, under_way
from laneway.plan.release import Course, Moment, advance
from laneway.plan.requests import taken_back
from laneway.plan.result import AppPlan, Finding, LaneRule, Plan, Report, Severity, VersionPlan
from laneway.plan.revision import revision_of
from laneway.plan.roles import is_refused, roles_after, stable_of
from laneway.plan.situation import Situation
from laneway.plan.sizing import size, surge_pods
from laneway.plan.versions import versions
from laneway.plan.warm import Warm, keep_warm
from laneway.spec.app import App, Scale
from laneway.spec.kubernetes import PodTemplate
from laneway.spec.meta import Key
from laneway.spec.release import Release
from laneway.spec.values import FULL
from laneway.spec.world import Spec

ALL_GATES = WEIGHT_GATES + POD_GATES
RELEASES_KEPT = 10
"""Records of an app's releases that are over; the history has the older ones."""

DEFAULT_SCALE = Scale()


@dataclass(frozen=True, slots=True)
class _World:
    """What planning one app looks at besides the app."""

    spec: Spec
    observed: Observed
    now: datetime
    gates: tuple[Gate, ...]
    releases: Mapping[Key, tuple[Release, ...]]
    lanes: Mapping[str, Lanes]
    lane_bases: Mapping[Key, frozenset[str]]


@dataclass(frozen=True, slots=True)
class _Outcome:
    plan: AppPlan
    releases: tuple[Release, ...]
    findings: tuple[Finding, ...]
    wake: datetime | None


def plan(
    spec: Spec, observed: Observed, now: datetime, gates: tuple[Gate, ...] = ALL_GATES
) -> tuple[Plan, Report]:
    """The targets that are safe now, and every reason why they are not further on.

    spec: what people want; observed: the world, as far as it is known; now: UTC; gates: all of them, unless a
    test shows what one of them is for. Never raises. An App without any template is left out (`check` names
    it).
    """
    indexed, expired, next_expiry = lane_plans.index(spec, now)
    bases = lane_plans.bases(observed)
    world = _World(spec, observed, now, gates, _by_app(spec), indexed, bases)
    outcomes = [o for _, app in sorted(spec.apps.items()) if (o := _plan_app(app, world))]
    stables = {o.plan.key: (o.plan.stable, _template(o.plan, o.plan.stable)) for o in outcomes}
    wakes = [wake for wake in (next_expiry, *(o.wake for o in outcomes)) if wake]
    result = Plan(
        apps=tuple(o.plan for o in outcomes),
        lanes=tuple(lane_plans.versions(indexed, stables, observed)),
        releases=tuple(release for o in outcomes for release in o.releases),
        expired=expired,
        forgotten=tuple(key for releases in world.releases.values() for key in _forgotten(releases)),
        wake=min(wakes, default=None),
    )
    return result, Report(tuple(finding for o in outcomes for finding in o.findings))


def _by_app(spec: Spec) -> dict[Key, tuple[Release, ...]]:
    by_app: dict[Key, list[Release]] = {}
    for release in spec.releases.values():
        by_app.setdefault(Key(release.key.namespace, release.spec.apps[0].name), []).append(release)
    return {app: tuple(releases) for app, releases in by_app.items()}


def _forgotten(releases: tuple[Release, ...]) -> list[Key]:
    """The records of one app that need not be kept, oldest first."""
    over = [release for release in releases if release.status and release.status.phase.over]
    over.sort(key=lambda release: (status_of(release).started_at, release.key))
    return [release.key for release in over[:-RELEASES_KEPT]]


def _template(app: AppPlan, revision: str) -> PodTemplate:
    return next(version.template for version in app.versions if version.revision == revision)


def _plan_app(app: App, world: _World) -> _Outcome | None:
    seen = world.observed.apps.get(app.key, AppSeen())
    releases = world.releases.get(app.key, ())
    begun = _begun(app, world, seen, releases)
    missing: tuple[Finding, ...] = ()
    if (template := world.spec.template(app)) is None:
        template, missing = _instead(seen, under_way(app.key, begun)), (_missing(app),)
    if template is None:
        return None
    wanted = revision_of(template)
    seen = _known(seen, wanted)
    stable = stable_of(seen, wanted, begun)
    refused = is_refused(wanted, seen, begun) and not asked_for(app.key, wanted, releases)
    course = _course(app, world, seen, wanted, stable, begun, refused)
    kept = {**seen.kept, wanted: seen.kept.get(wanted, Kept(template, Role.CANDIDATE))}
    roles = roles_after(course, kept, stable, wanted, refused)
    stable = next(revision for revision, role in roles.items() if role is Role.STABLE)
    old = keep_warm(app, course, newest(begun), kept, stable, world.now)
    situation = _situation(app, world, seen, stable, course, old)
    move, findings = _move(situation, course, world.gates)
    lanes = world.lanes.get(app.metadata.namespace, Lanes())
    rules, lane_findings = lane_plans.rules(app.key, lanes, world.observed)
    bases = world.lane_bases.get(app.key, frozenset())
    result = _app_plan(situation, move, versions(app, situation, move, kept, roles, bases), rules)
    written = tuple(r for r in (course.ended, course.active) if r and world.spec.releases.get(r.key) != r)
    said = (
        *missing,
        *course.findings,
        *old.findings,
        *findings,
        *_refused(app, roles, wanted),
        *lane_findings,
    )
    said += tuple(_waiting(app, wanted, releases))
    return _Outcome(result, written, said, min(filter(None, (course.wake, old.until)), default=None))


def _known(seen: AppSeen, wanted: str) -> AppSeen:
    """The app without the shares of revisions whose templates are lost: nothing can be rebuilt for them."""
    if seen.written is None or all(r in seen.kept or r == wanted for r in seen.written.weights):
        return seen
    weights = {r: bp for r, bp in seen.written.weights.items() if r in seen.kept or r == wanted}
    return replace(seen, written=replace(seen.written, weights=weights) if weights else None)


def _instead(seen: AppSeen, active: Release | None) -> PodTemplate | None:
    """Without the app's template everything stays as it is: the release under way, or the stable revision."""
    if active and (released := active.spec.apps[0].revision) in seen.kept:
        return seen.kept[released].template
    return next((kept.template for kept in seen.kept.values() if kept.role is Role.STABLE), None)


def _missing(app: App) -> Finding:
    text = f"{app.metadata.name} stays as it is: Deployment {app.spec.workload.deployment} is missing"
    return Finding("TemplateMissing", app.key, text, Severity.ERROR)


def _begun(app: App, world: _World, seen: AppSeen, releases: tuple[Release, ...]) -> list[Release]:
    """The app's releases that have begun; the last one goes back where it is to be undone."""
    begun = [release for release in releases if release.status]
    last = newest(begun)
    if last is None or under_way(app.key, begun):
        return begun
    back = taken_back(last, seen.kept, _base(app, world, seen, last.spec.apps[0].revision))
    return [back if release is last else release for release in begun]


def _course(
    app: App, world: _World, seen: AppSeen, wanted: str, stable: str, begun: list[Release], refused: bool
) -> Course:
    active = under_way(app.key, begun)
    if active is None:
        if wanted == stable or refused:
            return Course(None)
        base = _base(app, world, seen, stable)
        active = begin(app, wanted, stable, base, world.now, world.spec.releases)
    active = grown(app, seen, active)
    base = _size(app, world, active)
    return advance(Moment(app, seen, wanted, stable, base, _surge(app, base), world.now), active)


def _base(app: App, world: _World, seen: AppSeen, stable: str) -> int:
    """Pods of the app as a whole; where an autoscaler decides, no fewer than it has decided by now."""
    fixed = world.spec.replicas(app)
    return (
        max(fixed, seen.versions[stable].desired) if is_autoscaled(app) and stable in seen.versions else fixed
    )


def _size(app: App, world: _World, active: Release | None) -> int:
    """The base of the sizing: during a release, no fewer pods than the app had when it began."""
    fixed = world.spec.replicas(app)
    return max(fixed, status_of(active).base) if active and is_autoscaled(app) else fixed


def _surge(app: App, base: int) -> int:
    """Pods beside the base. A version that keeps its pods is beside it as a whole."""
    if app.spec.release.keep_old:
        return base
    return surge_pods(base, (app.spec.scale or DEFAULT_SCALE).surge)


def _situation(app: App, world: _World, seen: AppSeen, stable: str, course: Course, old: Warm) -> Situation:
    base = _size(app, world, course.active)
    warm = {revision: max(pods, base) for revision, pods in old.pods.items()}
    return Situation(
        key=app.key,
        seen=seen,
        stable=stable,
        candidate=course.active.spec.apps[0].revision if course.active else None,
        base=base,
        surge=_surge(app, base),
        overload=app.spec.release.rollback.overload,
        aborting=course.aborting,
        autoscaled=is_autoscaled(app),
        asked_for=bool(app.spec.release.preview or app.spec.release.sticky),
        laggards=world.observed.laggards,
        warm=warm,
    )


def _move(s: Situation, course: Course, gates: tuple[Gate, ...]) -> tuple[Move, list[Finding]]:
    wanted = _wanted(s, course)
    reached = s.candidate if s.asked_for and not s.aborting and s.seen.written else None
    move, findings = Move(wanted, wanted, {}, reached), []
    for gate in (g for g in WEIGHT_GATES if g in gates):
        move, finding = gate(s, move)
        findings += [finding] if finding else []
    pods = {
        revision: size(max(move.wanted.get(revision, 0), move.weights.get(revision, 0)), s.base)
        for revision in {**move.wanted, **move.weights}
    }
    if s.candidate and course.target is None:
        # Paused: what it has stays, so that somebody can look at why.
        pods[s.candidate] = max(pods.get(s.candidate, 0), s.version(s.candidate).desired)
    for revision, warm in s.warm.items():
        pods[revision] = max(pods.get(revision, 0), warm)
    if s.candidate:
        pods[s.candidate] = max(pods.get(s.candidate, 0), _ahead(s, course))
    move = replace(move, pods=pods)
    for gate in (g for g in POD_GATES if g in gates):
        move, finding = gate(s, move)
        findings += [finding] if finding else []
    return move, findings


def _ahead(s: Situation, course: Course) -> int:
    """Pods of a candidate for the weight to come; while older ones still drain, only those that it has."""
    seen = s.version(s.candidate or "")
    draining = s.pods_beyond({s.stable: size(FULL, s.base), s.candidate or "": seen.desired})
    return min(course.ahead, max(seen.desired, s.surge - draining))


def _wanted(s: Situation, course: Course) -> dict[str, int]:
    """The weights to go to. First of all, what neither stable nor the candidate carries goes to stable."""
    if s.candidate is None or s.seen.written is None:
        return {s.stable: FULL}
    target = course.target
    if any(revision not in {s.stable, s.candidate} for revision in s.written) and not s.aborting:
        target = s.written.get(s.candidate, 0)
    if target is None:
        return dict(s.written)
    weights = {s.candidate: target, s.stable: FULL - target}
    return {revision: weight for revision, weight in weights.items() if weight}


def _app_plan(
    s: Situation, move: Move, planned: tuple[VersionPlan, ...], lanes: tuple[LaneRule, ...]
) -> AppPlan:
    weights = move.weights if s.seen.written or _starts(s) else {}
    guard = s.stable in weights and (len(weights) > 1 or move.reached is not None)
    return AppPlan(s.key, s.stable, planned, weights, lanes, guard, candidate=move.reached)


def _starts(s: Situation) -> bool:
    """The first rules stand as soon as one pod can answer, and every proxy knows the subset."""
    return s.version(s.stable).available > 0 and s.stable in s.seen.subsets


def _refused(app: App, roles: Mapping[str, Role], wanted: str) -> tuple[Finding, ...]:
    if roles[wanted] is not Role.REFUSED:
        return ()
    name = app.metadata.name
    text = (
        f"{name} stays at its stable revision: its template's, {wanted}, was rolled back and is not tried "
        f"again until another template is applied, or: laneway release retry {name}"
    )
    return (Finding("RevisionRefused", app.key, text, Severity.WARNING),)


def _waiting(app: App, wanted: str, releases: tuple[Release, ...]) -> Iterator[Finding]:
    """Releases that somebody wrote for a revision that is not the template's: they wait for that template."""
    for release in releases:
        revision = release.spec.apps[0].revision
        if release.status is None and revision != wanted:
            text = (
                f"{app.metadata.name}: release {release.metadata.name} has not begun: it goes to {revision}, "
                f"and the app's template is {wanted}; apply the template of {revision}, or delete the release"
            )
            yield Finding("OtherTemplate", app.key, text, Severity.WARNING)
