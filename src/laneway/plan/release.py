"""The course of one app's release: its record goes from step to step. Must not know pods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from laneway.plan.observed import AppSeen, Kept, Role
from laneway.plan.result import Finding, Severity
from laneway.spec.app import App, Step
from laneway.spec.meta import Key, ObjectMeta
from laneway.spec.release import Phase, Release, ReleaseApp, ReleaseSpec, ReleaseStatus, Verb
from laneway.spec.values import FULL, format_duration, format_percent


@dataclass(frozen=True, slots=True)
class Course:
    """Where an app stands after looking at its release.

    active: the release under way, None at rest; ended: one that ended just now; target: the candidate's weight in
    basis points, None: as it is; wake: when the clock alone changes this.
    """

    active: Release | None
    ended: Release | None = None
    target: int | None = None
    wake: datetime | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def aborting(self) -> bool:
        """Weight goes back to stable."""
        return self.active is not None and _status(self.active).phase is Phase.ABORTING


def status_of(release: Release) -> ReleaseStatus:
    """The record of a release that has begun."""
    return _status(release)


def _status(release: Release) -> ReleaseStatus:
    assert release.status is not None, f"release {release.key} has not begun"
    return release.status


def _with(release: Release, **changes: object) -> Release:
    status = _status(release).model_copy(update=changes)
    return release.model_copy(update={"status": status})


def begin(
    app: App, revision: str, stable: str, base: int, now: datetime, releases: Mapping[Key, Release]
) -> Release:
    """The record of a new release: one that was asked for under a name of its own, else a new one."""
    status = ReleaseStatus(stable=stable, base=base, started_at=now, step_started_at=now)
    wanted = [ReleaseApp(name=app.metadata.name, revision=revision)]
    for release in releases.values():
        if (
            release.status is None
            and release.spec.apps == wanted
            and release.key.namespace == app.metadata.namespace
        ):
            return release.model_copy(update={"status": status})
    meta = ObjectMeta(name=_free_name(app.key, revision, releases), namespace=app.metadata.namespace)
    return Release(metadata=meta, spec=ReleaseSpec(apps=wanted), status=status)


def _free_name(app: Key, revision: str, releases: Mapping[Key, Release]) -> str:
    name, attempt = f"{app.name}-{revision}", 1
    while Key(app.namespace, name) in releases:
        attempt += 1
        name = f"{app.name}-{revision}-{attempt}"
    return name


def under_way(app: Key, releases: Iterable[Release]) -> Release | None:
    """The app's release that has begun and is not over."""
    for release in releases:
        if release.status and not release.status.phase.over and release.spec.apps[0].name == app.name:
            return release
    return None


def advance(app: App, wanted: str, seen: AppSeen, release: Release, now: datetime) -> Course:
    """The next moment of a release under way. wanted: the revision of the app's template now."""
    status = _status(release)
    if status.phase is Phase.ABORTING:
        return _aborting(seen, release, now)
    if reason := _reason_to_abort(wanted, release):
        superseded_by = wanted if wanted not in {release.spec.apps[0].revision, status.stable} else None
        gone = _with(
            release, phase=Phase.ABORTING, reason=reason, superseded_by=superseded_by, held_since=None
        )
        return _aborting(seen, gone, now)
    return _forward(app, seen, release, now)


def _reason_to_abort(wanted: str, release: Release) -> str | None:
    revision, status = release.spec.apps[0].revision, _status(release)
    request = release.spec.request
    if request and request.verb is Verb.ABORT:
        return request.reason or "aborted by request"
    if wanted == status.stable:
        return "the template was put back to stable's"
    if wanted != revision:
        return f"superseded by {wanted}"
    return None


def _aborting(seen: AppSeen, release: Release, now: datetime) -> Course:
    status = _status(release)
    back = seen.written is None or (dict(seen.written.weights) == {status.stable: FULL} and seen.confirmed)
    if not back:
        return Course(release, target=0)
    phase = Phase.SUPERSEDED if status.superseded_by else Phase.ROLLED_BACK
    return Course(None, ended=_with(release, phase=phase, finished_at=now))


def _forward(app: App, seen: AppSeen, release: Release, now: datetime) -> Course:
    status, steps = _status(release), app.spec.release.steps
    hurried = release.spec.request is not None and release.spec.request.verb is Verb.PROMOTE
    index = len(steps) - 1 if hurried else min(status.step, len(steps) - 1)
    if index != status.step or (hurried and status.phase is Phase.PAUSED):
        release = _with(release, step=index, step_started_at=now, held_since=None, phase=Phase.PROGRESSING)
        status = _status(release)
    if status.phase is Phase.PAUSED:
        return Course(release, findings=(_paused(app, release),))
    step = steps[index]
    if not _serves(seen, release, step.weight):
        release = _with(release, held_since=None) if status.held_since else release
        return _within_limit(app, release, step, now, hurried)
    return _hold(app, seen, release, now, hurried)


def _serves(seen: AppSeen, release: Release, weight: int) -> bool:
    weights = seen.written.weights if seen.written else {}
    return seen.confirmed and weights.get(release.spec.apps[0].revision, 0) == weight


def _hold(app: App, seen: AppSeen, release: Release, now: datetime, hurried: bool) -> Course:
    status, steps = _status(release), app.spec.release.steps
    step = steps[status.step]
    since = status.held_since or now
    until = since if hurried else since + step.hold_for
    if now < until:
        text = (
            f"{app.metadata.name} holds {format_percent(step.weight)} % for {format_duration(step.hold_for)}"
        )
        finding = Finding("Holding", app.key, f"{text}, until {until:%H:%M:%S} UTC")
        return Course(_with(release, held_since=since), target=step.weight, wake=until, findings=(finding,))
    if status.step == len(steps) - 1:
        done = _with(
            release, phase=Phase.PROMOTED, held_since=since, finished_at=now, reason="every step held"
        )
        return Course(None, ended=done)
    onward = _with(release, step=status.step + 1, step_started_at=now, held_since=None)
    return _forward(app, seen, onward, now)


def _within_limit(app: App, release: Release, step: Step, now: datetime, hurried: bool) -> Course:
    deadline = _status(release).step_started_at + step.limit
    if hurried or now < deadline or step.on_unsure == "promote":
        return Course(release, target=step.weight, wake=None if hurried or now >= deadline else deadline)
    reason = f"{format_percent(step.weight)} % was not reached and held within {format_duration(step.limit)}"
    if step.on_unsure == "rollback":
        return Course(_with(release, phase=Phase.ABORTING, reason=reason, held_since=None), target=0)
    paused = _with(release, phase=Phase.PAUSED, reason=reason, held_since=None)
    return Course(paused, findings=(_paused(app, paused),))


def _paused(app: App, release: Release) -> Finding:
    text = f"{app.metadata.name} is paused: {_status(release).reason}; promote or abort it"
    return Finding("Paused", app.key, text, Severity.WARNING)


def roles_after(course: Course, kept: Mapping[str, Kept], stable: str, wanted: str) -> dict[str, Role]:
    """What every kept template is to the app now; the values' order is that of `kept`."""
    roles = {revision: template.role for revision, template in kept.items()}
    roles |= {
        revision: Role.RETIRED
        for revision, role in roles.items()
        if role is Role.REFUSED and revision != wanted
    }
    roles[stable] = Role.STABLE
    if course.ended:
        released, phase = course.ended.spec.apps[0].revision, _status(course.ended).phase
        if phase is Phase.PROMOTED:
            roles |= {stable: Role.RETIRED, released: Role.STABLE}
        else:
            roles[released] = (
                Role.REFUSED if phase is Phase.ROLLED_BACK and released == wanted else Role.RETIRED
            )
    if course.active:
        roles[course.active.spec.apps[0].revision] = Role.CANDIDATE
    return roles
