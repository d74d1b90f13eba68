"""Several apps in one release: one course, and how far each app may move. Must not know how pods are made.

The course is the first app's (its steps, its policy), on a view in which nothing is reached or confirmed
before it is so for all of them, and which any of them aborts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from laneway.plan.autoscaled import grown
from laneway.plan.gates import Move
from laneway.plan.observed import AppSeen, Evidence, Table, VersionSeen
from laneway.plan.records import free_name, newest, status_of, views, with_status
from laneway.plan.release import Course, Moment, advance, ahead
from laneway.plan.result import Finding
from laneway.plan.situation import Situation, Together
from laneway.plan.standing import Standing
from laneway.spec.meta import Key, ObjectMeta
from laneway.spec.release import Member, Phase, Release, ReleaseApp, ReleaseSpec, ReleaseStatus
from laneway.spec.values import FULL

Standings = Mapping[Key, Standing]

FOLLOWED = timedelta(seconds=30)
"""How long requests keep their side once nobody is drawn to it any more: they may yet call another app."""

NOWHERE = -1
"""No weight: the apps differ."""


@dataclass(frozen=True, slots=True)
class Joint:
    """A release of several apps, after this pass. waits: it has not begun, since others are under way."""

    release: Release
    courses: Mapping[Key, Course]
    waits: bool = False


def joints(
    standings: Standings, releases: Mapping[Key, Release], evidence: Evidence, now: datetime
) -> list[Joint]:
    """The releases of several apps that are under way, begin, or wait to begin.

    One at a time: the cohort header says of one release what was drawn.
    """
    several = [each for _, each in sorted(releases.items()) if len(each.spec.apps) > 1]
    running = [r for r in several if r.status and not r.status.phase.over and _members(r, standings)]
    found = [_advanced(release, standings, evidence, now) for release in running]
    for release in (*several, *_again(several, standings, releases)):
        if release.status is None and _is_due(release, standings):
            free = not found and not any(s.active for s in _members(release, standings).values())
            found.append(
                _advanced(_begun(release, standings, now), standings, evidence, now)
                if free
                else _waiting(release, standings)
            )
    return found


def _members(release: Release, standings: Standings) -> dict[Key, Standing]:
    """The apps of a release that there are."""
    return {key: standings[key] for key in views(release) if key in standings}


def _is_due(release: Release, standings: Standings) -> bool:
    """Whether each of its apps has the template that it goes to."""
    parts = {key: view.spec.apps[0].revision for key, view in views(release).items()}
    return all(
        key in standings and standings[key].wanted == r != standings[key].stable for key, r in parts.items()
    )


def _again(
    several: Iterable[Release], standings: Standings, releases: Mapping[Key, Release]
) -> Iterable[Release]:
    """After one that was superseded, the same apps go together to what their templates are now."""
    for last in several:
        if last.status is None or last.status.phase is not Phase.SUPERSEDED:
            continue
        parts = [
            ReleaseApp(name=key.name, revision=s.wanted)
            for key, s in _members(last, standings).items()
            if s.changes and not s.active and (own := newest(s.begun)) and own.key == last.key
        ]
        if len(parts) > 1:
            name = free_name(Key(last.key.namespace, parts[0].name), parts[0].revision, releases)
            yield Release(
                metadata=ObjectMeta(name=name, namespace=last.key.namespace), spec=ReleaseSpec(apps=parts)
            )


def _begun(release: Release, standings: Standings, now: datetime) -> Release:
    members = _members(release, standings)
    parts = {key.name: Member(stable=s.stable, base=s.base) for key, s in members.items()}
    first = parts[release.spec.apps[0].name]
    status = ReleaseStatus(
        phase=Phase.PROGRESSING, step=0, stable=first.stable, base=first.base, started_at=now,
        step_started_at=now, members=parts,
    )  # fmt: skip
    return release.model_copy(update={"status": status})


def _waiting(release: Release, standings: Standings) -> Joint:
    def course(standing: Standing) -> Course:
        name = standing.app.metadata.name
        text = f"{name}: release {release.metadata.name} begins when those that are under way have ended"
        return Course(None, findings=(Finding("ReleaseWaits", standing.app.key, text),))

    idle = {key: s for key, s in _members(release, standings).items() if s.active is None}
    return Joint(release, {key: course(standing) for key, standing in idle.items()}, waits=True)


def _advanced(release: Release, standings: Standings, evidence: Evidence, now: datetime) -> Joint:
    members = _members(release, standings)
    release = _grown(release, members)
    seen_as = views(release)
    moments = {key: standing.moment(seen_as[key], now, evidence) for key, standing in members.items()}
    parts = [(moments[key], seen_as[key].spec.apps[0].revision) for key in members]
    release = _opened(release, parts, now)
    leader = views(release)[next(iter(members))]
    follows = FOLLOWED if status_of(release).opened_at else timedelta(0)
    course = advance(replace(_as_one(parts), follows=follows), leader)
    record = course.active or course.ended or leader
    whole = release.model_copy(update={"status": _whole(record, release)})
    courses = {
        key: _course_of(course, views(whole)[key], moments[key], first=index == 0)
        for index, key in enumerate(members)
    }
    return Joint(whole, courses)


def _grown(release: Release, members: Standings) -> Release:
    """The release, on more pods of an app whose autoscaler asks for them."""
    seen_as = views(release)
    bases = {key.name: status_of(grown(s.app, s.seen, seen_as[key])).base for key, s in members.items()}
    parts = status_of(release).members
    larger = {
        name: part.model_copy(update={"base": bases.get(name, part.base)}) for name, part in parts.items()
    }
    return with_status(release, members=larger) if larger != parts else release


def _whole(record: Release, before: Release) -> ReleaseStatus:
    """The record of all, from the first one's view."""
    own = status_of(before)
    return status_of(record).model_copy(update={"stable": own.stable, "base": own.base})


def _course_of(course: Course, view: Release, moment: Moment, first: bool) -> Course:
    """The course as one of the apps sees it; what it says is said once."""
    return replace(
        course,
        active=view if course.active else None,
        ended=view if course.ended else None,
        ahead=ahead(moment, view) if course.ahead else 0,
        gate=course.gate if first else None,
        findings=course.findings if first else (),
    )


def _opened(release: Release, parts: Sequence[tuple[Moment, str]], now: datetime) -> Release:
    """The release from when on every proxy can lead requests of the new cohort to each app's new version."""
    if status_of(release).opened_at or not all(_leads_to(m.seen, revision) for m, revision in parts):
        return release
    return with_status(release, opened_at=now)


def _leads_to(seen: AppSeen, revision: str) -> bool:
    table = seen.written
    return bool(table and seen.confirmed and (revision in table.named or revision in table.weights))


def _as_one(parts: Sequence[tuple[Moment, str]]) -> Moment:
    """What the release looks at, as if its apps were one."""
    first, revision = parts[0]
    stable = revision if any(m.stable == r for m, r in parts) else first.stable
    back = any(m.wanted == m.stable != r for m, r in parts)
    other = next((m.wanted for m, r in parts if m.wanted not in {r, m.stable}), revision)
    return replace(first, seen=_seen_as_one(parts), stable=stable, wanted=stable if back else other)


def _seen_as_one(parts: Sequence[tuple[Moment, str]]) -> AppSeen:
    first, revision = parts[0]
    tables = [(m.seen.written.weights if m.seen.written else {r: NOWHERE}, m.stable, r) for m, r in parts]
    shares = {weights.get(r, 0) for weights, _, r in tables}
    at_rest = {dict(weights) == {stable: FULL} for weights, stable, _ in tables}
    same = len(shares) == 1 and len(at_rest) == 1
    table = first.seen.written if same else Table({revision: NOWHERE})
    versions = {
        **first.seen.versions,
        revision: VersionSeen(available=min(_available(*p, first) for p in parts)),
    }
    return replace(
        first.seen, written=table, versions=versions, confirmed=all(m.seen.confirmed for m, _ in parts)
    )


def _available(moment: Moment, revision: str, first: Moment) -> int:
    """Pods of a candidate that can serve, as a share of its app's, in pods of the first app."""
    seen = moment.seen.versions.get(revision, VersionSeen())
    return seen.available * first.base // moment.base if moment is not first else seen.available


def bounds(release: Release, members: Sequence[tuple[Situation, Move]]) -> Together:
    """How far the apps may move as one, from how far each would by itself.

    A side that is drawn at one app and dead at another is drawn at none, as soon as the other side can answer
    in all: a part of its requests would fail there.
    """
    opened = status_of(release).opened_at is not None
    shares = [move.weights.get(s.candidate or "", 0) for s, move in members]
    new, old = [(s, s.candidate or "") for s, _ in members], [(s, s.stable) for s, _ in members]
    forced = None
    if _drawn(new) and not _alive(new) and _alive(old):
        forced = 0
    elif opened and any(shares) and not _alive(old) and _alive(new):
        forced = FULL
    return Together(min(shares) if opened else 0, max(shares), forced, opened)


def _drawn(side: Iterable[tuple[Situation, str]]) -> bool:
    return any(s.written.get(revision) for s, revision in side)


def _alive(side: Iterable[tuple[Situation, str]]) -> bool:
    return all(s.version(revision).available for s, revision in side)
