"""The course of one app's release: its record goes from step to step. Must not know pods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from laneway.plan.observed import AppSeen
from laneway.plan.result import Finding, Severity
from laneway.spec.app import App, Step
from laneway.spec.meta import Key, ObjectMeta
from laneway.spec.release import Phase, Release, ReleaseApp, ReleaseSpec, ReleaseStatus, Verb
from laneway.spec.values import FULL, format_duration, format_percent


@dataclass(frozen=True, slots=True)
class Course:
    """Where an app stands after looking at its release.

    active: the release under way, None at rest; ended: one that ended just now; target: the candidate's
    weight in basis points, None: as it is; wake: when the clock alone changes this.
    """

    active: Release | None
    ended: Release | None = None
    target: int | None = None
    wake: datetime | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def aborting(self) -> bool:
        """Weight goes back to stable."""
        return self.active is not None and status_of(self.active).phase is Phase.ABORTING


def status_of(release: Release) -> ReleaseStatus:
    """The record of a release that has begun."""
    assert release.status is not None, f"release {release.key} has not begun"
    return release.status


def _with(release: Release, **changes: object) -> Release:
    status = status_of(release).model_copy(update=changes)
    return release.model_copy(update={"status": status})


def begin(
    app: App, revision: str, stable: str, base: int, now: datetime, releases: Mapping[Key, Release]
) -> Release:
    """The record of a new release: one that was asked for under a name of its own, else a new one."""
    status = ReleaseStatus(
        phase=Phase.PROGRESSING, step=0, stable=stable, base=base, started_at=now, step_started_at=now
    )
    if asked := asked_for(app.key, revision, releases.values()):
        return asked.model_copy(update={"status": status})
    meta = ObjectMeta(name=_free_name(app.key, revision, releases), namespace=app.metadata.namespace)
    wanted = [ReleaseApp(name=app.metadata.name, revision=revision)]
    return Release(metadata=meta, spec=ReleaseSpec(apps=wanted), status=status)


def asked_for(app: Key, revision: str, releases: Iterable[Release]) -> Release | None:
    """A release of this revision that somebody wrote and that has not begun."""
    for release in releases:
        if release.status is None and _is_of(app, release) and release.spec.apps[0].revision == revision:
            return release
    return None


def _is_of(app: Key, release: Release) -> bool:
    return release.spec.apps[0].name == app.name and release.key.namespace == app.namespace


def _free_name(app: Key, revision: str, releases: Mapping[Key, Release]) -> str:
    name, attempt = f"{app.name}-{revision}", 1
    while Key(app.namespace, name) in releases:
        attempt += 1
        name = f"{app.name}-{revision}-{attempt}"
    return name


def under_way(app: Key, releases: Iterable[Release]) -> Release | None:
    """The app's release that has begun and is not over."""
    for release in releases:
        if release.status and not release.status.phase.over and _is_of(app, release):
            return release
    return None


def advance(app: App, wanted: str, stable: str, seen: AppSeen, release: Release, now: datetime) -> Course:
    """The next moment of a release under way. wanted: the revision of the app's template now.

    Where the stable label is on the released revision already, only the record of its promotion is missing.
    """
    revision, status = release.spec.apps[0].revision, status_of(release)
    if revision == stable:
        return Course(None, ended=_with(release, phase=Phase.PROMOTED, finished_at=now))
    if status.phase is Phase.ABORTING:
        return _aborting(stable, seen, release, now)
    if reason := _reason_to_abort(wanted, stable, release):
        by = wanted if wanted not in {revision, stable} else None
        gone = _with(release, phase=Phase.ABORTING, reason=reason, superseded_by=by, held_since=None)
        return _aborting(stable, seen, gone, now)
    return _forward(app, seen, release, now)


def _reason_to_abort(wanted: str, stable: str, release: Release) -> str | None:
    request = release.spec.request
    if request and request.verb is Verb.ABORT:
        return request.reason or "aborted by request"
    if wanted == stable:
        return "the template was put back to stable's"
    if wanted != release.spec.apps[0].revision:
        return f"superseded by {wanted}"
    return None


def _aborting(stable: str, seen: AppSeen, release: Release, now: datetime) -> Course:
    status = status_of(release)
    back = seen.written is None or (dict(seen.written.weights) == {stable: FULL} and seen.confirmed)
    if not back:
        return Course(release, target=0)
    phase = Phase.SUPERSEDED if status.superseded_by else Phase.ROLLED_BACK
    return Course(None, ended=_with(release, phase=phase, finished_at=now))


def _forward(app: App, seen: AppSeen, release: Release, now: datetime) -> Course:
    status, steps = status_of(release), app.spec.release.steps
    hurried = release.spec.request is not None and release.spec.request.verb is Verb.PROMOTE
    index = len(steps) - 1 if hurried else min(status.step, len(steps) - 1)
    if index != status.step or (hurried and status.phase is Phase.PAUSED):
        release = _with(release, step=index, step_started_at=now, held_since=None, phase=Phase.PROGRESSING)
        status = status_of(release)
    if status.phase is Phase.PAUSED:
        return Course(release, findings=(_paused(app, release),))
    step = steps[index]
    weights = seen.written.weights if seen.written else {}
    if weights.get(release.spec.apps[0].revision, 0) != step.weight:
        release = _with(release, held_since=None) if status.held_since else release
        return _within_limit(app, release, step, now, hurried)
    if status.held_since is None and not seen.confirmed:
        return _within_limit(app, release, step, now, hurried)
    return _hold(app, seen, release, now, hurried)


def _hold(app: App, seen: AppSeen, release: Release, now: datetime, hurried: bool) -> Course:
    """A hold begins when every proxy has confirmed the weight; other changes of rules do not restart it."""
    status, steps = status_of(release), app.spec.release.steps
    step = steps[status.step]
    since = status.held_since or now
    release = _with(release, held_since=since) if status.held_since is None else release
    until = since if hurried else since + step.hold_for
    if now < until:
        weight, length = format_percent(step.weight), format_duration(step.hold_for)
        text = f"{app.metadata.name} holds {weight} % for {length}, until {until:%H:%M:%S} UTC"
        finding = Finding("Holding", app.key, text)
        return Course(release, target=step.weight, wake=until, findings=(finding,))
    if not seen.confirmed:
        return Course(release, target=step.weight)
    if status.step == len(steps) - 1:
        reason = "promoted by request" if hurried else "every step held"
        return Course(None, ended=_with(release, phase=Phase.PROMOTED, finished_at=now, reason=reason))
    onward = _with(release, step=status.step + 1, step_started_at=now, held_since=None)
    return _forward(app, seen, onward, now)


def _within_limit(app: App, release: Release, step: Step, now: datetime, hurried: bool) -> Course:
    deadline = status_of(release).step_started_at + step.limit
    if hurried or now < deadline or step.on_unsure == "promote":
        return Course(release, target=step.weight, wake=None if hurried or now >= deadline else deadline)
    reason = f"{format_percent(step.weight)} % was not reached and held within {format_duration(step.limit)}"
    if step.on_unsure == "rollback":
        return Course(_with(release, phase=Phase.ABORTING, reason=reason, held_since=None), target=0)
    paused = _with(release, phase=Phase.PAUSED, reason=reason, held_since=None)
    return Course(paused, findings=(_paused(app, paused),))


def _paused(app: App, release: Release) -> Finding:
    text = f"{app.metadata.name} is paused: {status_of(release).reason}; promote or abort it"
    return Finding("Paused", app.key, text, Severity.WARNING)
