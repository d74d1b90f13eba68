"""plan(spec, observed, now) -> (Plan, Report): what is safe to do now, and why nothing more.

Pure, and leaves no choices to its executor. Killed anywhere and started again it continues, because all it
knows is in its arguments; given a settled world it changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from laneway.plan import lanes as lane_plans
from laneway.plan.autoscaled import grown
from laneway.plan.gates import POD_GATES, WEIGHT_GATES, Gate, Move
from laneway.plan.judging import codes, counted_for
from laneway.plan.lanes import Base, Lanes
from laneway.plan.moves import decide
from laneway.plan.observed import Kept, Observed, Role, Side
from laneway.plan.records import begin, by_app, forgotten, newest, status_of, views
from laneway.plan.release import Course, advance
from laneway.plan.result import (
    AppPlan,
    Cohort,
    Comparison,
    Finding,
    GateRun,
    LaneRule,
    Plan,
    Report,
    Severity,
    VersionPlan,
    Watch,
)
from laneway.plan.roles import roles_after
from laneway.plan.situation import Situation
from laneway.plan.standing import Standing, stand
from laneway.plan.surge_budget import surges
from laneway.plan.together import Standings, bounds, joints
from laneway.plan.versions import versions
from laneway.plan.warm import Warm, keep_warm
from laneway.spec.app import App
from laneway.spec.meta import Key
from laneway.spec.release import Release
from laneway.spec.world import Spec

ALL_GATES = WEIGHT_GATES + POD_GATES


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
    surges: Mapping[Key, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Outcome:
    plan: AppPlan
    findings: tuple[Finding, ...]
    wake: datetime | None
    gate: GateRun | None
    watches: tuple[Watch, ...]
    comparison: Comparison | None


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
    world = _World(spec, observed, now, gates, by_app(spec.releases.values()), indexed, bases)
    found = (stand(app, spec, observed, world.releases) for _, app in sorted(spec.apps.items()))
    standings = {standing.app.key: standing for standing in found if standing}
    world = replace(world, surges=surges(spec.mesh.surge, standings, observed))
    courses, records = _courses(standings, world)
    drafts = {key: _draft(standing, courses[key], world) for key, standing in standings.items()}
    drafts = _together(drafts, records, world)
    outcomes = [_outcome(draft, world) for draft in drafts.values()]
    stables = {o.plan.key: _base(o.plan) for o in outcomes}
    wakes = [wake for wake in (next_expiry, *(o.wake for o in outcomes)) if wake]
    result = Plan(
        apps=tuple(o.plan for o in outcomes),
        lanes=tuple(lane_plans.versions(indexed, stables, observed)),
        gates=tuple(o.gate for o in outcomes if o.gate),
        watches=tuple(watch for o in outcomes for watch in o.watches),
        comparisons=tuple({o.comparison.release: o.comparison for o in outcomes if o.comparison}.values()),
        releases=tuple(each for each in records if spec.releases.get(each.key) != each),
        expired=expired,
        forgotten=forgotten(world.releases),
        wake=min(wakes, default=None),
    )
    return result, Report(tuple(finding for o in outcomes for finding in o.findings))


def _base(app: AppPlan) -> Base:
    """What a new lane is made of: stable."""
    stable = next(version for version in app.versions if version.revision == app.stable)
    return Base(stable.revision, stable.template, stable.folder)


def _courses(standings: Standings, world: _World) -> tuple[dict[Key, Course], list[Release]]:
    """Where each app stands after looking at its release, and the records of all these releases."""
    found: dict[Key, Course] = {}
    records: list[Release] = []
    for joint in joints(standings, world.spec.releases, world.observed.evidence, world.now):
        found |= joint.courses
        records += [] if joint.waits else [joint.release]
    for key, standing in standings.items():
        if key not in found:
            found[key] = _course(standing, world)
            records += [each for each in (found[key].ended, found[key].active) if each]
    return found, records


def _course(standing: Standing, world: _World) -> Course:
    active = standing.active
    if active is None:
        if not standing.changes:
            return Course(None)
        active = begin(
            standing.app, standing.wanted, standing.stable, standing.base, world.now, world.spec.releases
        )
    active = grown(standing.app, standing.seen, active)
    return advance(standing.moment(active, world.now, world.observed.evidence), active)


@dataclass(frozen=True, slots=True)
class _Draft:
    """An app whose course is known, before it moves."""

    standing: Standing
    course: Course
    kept: Mapping[str, Kept]
    roles: Mapping[str, Role]
    old: Warm
    situation: Situation


def _draft(standing: Standing, course: Course, world: _World) -> _Draft:
    app, wanted = standing.app, standing.wanted
    known = standing.seen.kept.get(wanted, Kept(standing.template, Role.CANDIDATE))
    if (folder := world.spec.folder(app)) is not None:
        known = replace(known, folder=folder)
    kept = {**standing.seen.kept, wanted: known}
    roles = roles_after(course, kept, standing.stable, wanted, standing.refused)
    stable = next(revision for revision, role in roles.items() if role is Role.STABLE)
    old = keep_warm(app, course, newest(standing.begun), kept, stable, world.now)
    return _Draft(standing, course, kept, roles, old, _situation(standing, world, stable, course, old))


def _together(drafts: Mapping[Key, _Draft], releases: Iterable[Release], world: _World) -> dict[Key, _Draft]:
    """The drafts, in which each app of a release of several knows how far all of them move."""
    found = dict(drafts)
    for release in releases:
        if len(release.spec.apps) == 1 or status_of(release).phase.over:
            continue
        members = {key: drafts[key] for key in views(release) if key in drafts}
        confirmed = all(draft.situation.seen.confirmed for draft in members.values())
        cohort = f"{release.key.namespace}.{release.key.name}"
        alone = {
            key: replace(
                draft.situation, seen=replace(draft.situation.seen, confirmed=confirmed), cohort=cohort
            )
            for key, draft in members.items()
        }
        moves = [(s, decide(s, members[key].course, world.gates)[0]) for key, s in alone.items()]
        limits = bounds(release, moves)
        found |= {key: replace(d, situation=replace(alone[key], bounds=limits)) for key, d in members.items()}
    return found


def _outcome(draft: _Draft, world: _World) -> _Outcome:
    standing, course, situation = draft.standing, draft.course, draft.situation
    app = standing.app
    move, findings = decide(situation, course, world.gates)
    lanes = world.lanes.get(app.metadata.namespace, Lanes())
    rules, lane_findings = lane_plans.rules(app.key, lanes, world.observed)
    bases = world.lane_bases.get(app.key, frozenset())
    result = _app_plan(situation, move, versions(app, situation, move, draft.kept, draft.roles, bases), rules)
    said = (
        *standing.missing,
        *course.findings,
        *draft.old.findings,
        *findings,
        *_refused(app, draft.roles, standing.wanted),
        *lane_findings,
        *_waiting(app, standing.wanted, standing.releases),
    )
    wake = min(filter(None, (course.wake, draft.old.until)), default=None)
    return _Outcome(result, said, wake, course.gate, _watches(app, course), course.comparison)


def _watches(app: App, course: Course) -> tuple[Watch, ...]:
    """Whose requests are counted: the canary's for guardrails, those of both sides for the judge."""
    if course.active is None:
        return ()
    revisions = {
        Side.CANARY: course.active.spec.apps[0].revision,
        Side.STABLE: status_of(course.active).stable,
    }
    ids = [course.watch] if course.watch else []
    ids += counted_for(course.comparison) if course.comparison else ()
    return tuple(Watch(each, app.key, revisions[each.side], codes(app)) for each in dict.fromkeys(ids))


def _situation(standing: Standing, world: _World, stable: str, course: Course, old: Warm) -> Situation:
    base, policy = standing.size(course.active), standing.app.spec.release
    return Situation(
        key=standing.app.key,
        seen=standing.seen,
        stable=stable,
        candidate=course.active.spec.apps[0].revision if course.active else None,
        base=base,
        surge=world.surges[standing.app.key],
        overload=policy.rollback.overload,
        aborting=course.aborting,
        autoscaled=standing.autoscaled,
        asked_for=bool(policy.preview or policy.sticky) and not course.aborting,
        laggards=world.observed.laggards,
        warm={revision: max(pods, base) for revision, pods in old.pods.items()},
    )


def _app_plan(
    s: Situation, move: Move, planned: tuple[VersionPlan, ...], lanes: tuple[LaneRule, ...]
) -> AppPlan:
    weights = move.weights if s.seen.written or _starts(s) else {}
    told_apart = len(weights) > 1 or move.reached is not None or s.cohort
    return AppPlan(
        s.key, s.stable, planned, weights, lanes,
        guard=s.stable in weights and bool(told_apart),
        candidate=move.reached if _may_ask(s, move) else None,
        cohort=Cohort(s.cohort, move.reached) if s.cohort else None,
    )  # fmt: skip


def _may_ask(s: Situation, move: Move) -> bool:
    """Whether a tester or a browser may be led to the candidate: at each app of its release, or at none."""
    everywhere = s.bounds is None or s.bounds.opened
    answers = not s.cohort or s.version(move.reached or "").available > 0
    return s.asked_for and everywhere and answers


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
