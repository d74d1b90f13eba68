"""A person's word on a release: what may be asked when, and what it does to the record. Must not know pods.

A request is taken up once; the record remembers which one that was, so that a restart takes none up twice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from laneway.plan.observed import Role
from laneway.plan.records import begin, free_name, is_of, newest, status_of, under_way, with_status
from laneway.plan.revision import revision_of
from laneway.plan.step_gates import open_approval, passed_only
from laneway.spec.meta import Key
from laneway.spec.release import GateResult, Phase, Release, ReleaseStatus, Request, Verb
from laneway.spec.release_policy import Step
from laneway.spec.world import Spec


class ObjectionError(Exception):
    """Why what is asked cannot be done now, with what can be done instead."""


def requested(spec: Spec, kept: Mapping[str, Role], app: Key, request: Request) -> Release:
    """The app's release with what is asked of it; for a retry, a new one. Raises ObjectionError.

    kept: what each kept template is to the app, by revision.
    """
    releases = [release for release in spec.releases.values() if is_of(app, release)]
    running, last = under_way(app, releases), newest(releases)
    match request.verb:
        case Verb.RETRY | Verb.UNDO if running:
            raise ObjectionError(f"release {running.metadata.name} of {app} is running: abort it first")
        case Verb.RETRY:
            return _again(spec, kept, app, request)
        case Verb.UNDO:
            if said := objection_to_undo(last, kept):
                raise ObjectionError(f"{app}: {said}")
            assert last is not None, "there is an objection where there is none"
            return _asked(last, request)
    if running is None:
        after = f"; the last one, {last.metadata.name}, is {status_of(last).phase.value}" if last else ""
        raise ObjectionError(f"no release of {app} is running{after or ', and none has been'}")
    if status_of(running).phase is Phase.ABORTING and request.verb is not Verb.ABORT:
        raise ObjectionError(f"release {running.metadata.name} of {app} goes back already")
    if first := _would_be_lost(running, request):
        said = first.described(f"asked to {first.verb}")
        raise ObjectionError(f"release {running.metadata.name} of {app} has just been {said}; ask again")
    if request.verb is Verb.APPROVE:
        status = status_of(running)
        if open_approval(spec.apps[app].spec.release.steps, status) is None:
            name = running.metadata.name
            raise ObjectionError(f"step {status.step + 1} of release {name} of {app} waits for no approval")
    return _asked(running, request)


def _would_be_lost(running: Release, request: Request) -> Request | None:
    """The request that nobody has taken up yet, where this one in its place would do something else.

    An abort is let through: after it the other one would have had no effect. Two approvals are for two gates.
    """
    first = unheard(running)
    same = first is not None and first.verb is request.verb and request.verb is not Verb.APPROVE
    return None if same or request.verb is Verb.ABORT else first


def _asked(release: Release, request: Request) -> Release:
    return release.model_copy(update={"spec": release.spec.model_copy(update={"request": request})})


def _again(spec: Spec, kept: Mapping[str, Role], app: Key, request: Request) -> Release:
    """A new release of a revision that was refused."""
    template = spec.template(spec.apps[app])
    wanted = revision_of(template) if template else ""
    if kept.get(wanted) is not Role.REFUSED:
        raise ObjectionError(f"{app}: revision {wanted or 'none'} is not refused: there is nothing to retry")
    last = newest(release for release in spec.releases.values() if is_of(app, release))
    if last and status_of(last).members and _goes_to(last, app, wanted):
        return _asked(_once_more(last, spec, request), request)
    stable = next((revision for revision, role in kept.items() if role is Role.STABLE), "")
    begun = begin(spec.apps[app], wanted, stable, 1, request.at, spec.releases)
    return _asked(begun, request)


def _goes_to(release: Release, app: Key, revision: str) -> bool:
    return any((part.name, part.revision) == (app.name, revision) for part in release.spec.apps)


def _once_more(last: Release, spec: Spec, request: Request) -> Release:
    """A new release of the same several apps."""
    first = last.spec.apps[0]
    name = free_name(Key(last.key.namespace, first.name), first.revision, spec.releases)
    status = status_of(last).model_copy(
        update={"phase": Phase.PROGRESSING, "started_at": request.at, "finished_at": None, "step": 0}
    )
    meta = last.metadata.model_copy(update={"name": name})
    return last.model_copy(update={"metadata": meta, "status": status})


def objection_to_undo(last: Release | None, kept: Collection[str]) -> str | None:
    """Why the newest release cannot be undone, None where it can. kept: revisions that can be rebuilt."""
    if last is None:
        return "there has been no release"
    name, status = last.metadata.name, status_of(last)
    if status.members:
        return f"its last release, {name}, was of several apps: apply their templates from before, together"
    if status.phase is not Phase.PROMOTED:
        return f"its last release, {name}, is {status.phase.value}: there is no promotion to undo"
    if status.stable not in kept:
        return f"revision {status.stable}, from which {name} came, is no longer kept: apply its template"
    return None


def unheard(release: Release) -> Request | None:
    """The request that has not been taken up yet."""
    request, heard = release.spec.request, status_of(release).heard
    if request is None or (heard and (heard.at, heard.verb) == (request.at, request.verb)):
        return None
    return request


def hear(release: Release, steps: Sequence[Step], now: datetime) -> Release:
    """The release under way after what was asked of it; what does not apply to it is taken up without effect.

    Going on from a pause gives the step its whole time again; a hold goes on where it was.
    """
    request = unheard(release)
    if request is None:
        return release
    return with_status(release, heard=request, **_effect(request, status_of(release), steps, now))


def _effect(
    request: Request, status: ReleaseStatus, steps: Sequence[Step], now: datetime
) -> dict[str, object]:
    """What a request changes in the record."""
    on = {"phase": Phase.PROGRESSING, "step_started_at": now, "reason": "", "gates": passed_only(status)}
    match request.verb, status.phase:
        case Verb.PAUSE, Phase.PROGRESSING:
            return {"phase": Phase.PAUSED, "reason": request.described("paused")}
        case (Verb.RESUME, Phase.PAUSED) | (Verb.PROMOTE, Phase.PROGRESSING | Phase.PAUSED):
            return on
        case Verb.SKIP, Phase.PROGRESSING | Phase.PAUSED:
            return {**on, "skipped": status.step}
        case Verb.APPROVE, Phase.PROGRESSING | Phase.PAUSED:
            return _approved(request, status, steps, on)
        case Verb.ABORT, Phase.PROGRESSING | Phase.PAUSED:
            return {"phase": Phase.ABORTING, "reason": request.described("aborted"), "held_since": None}
    return {}


def _approved(
    request: Request, status: ReleaseStatus, steps: Sequence[Step], on: dict[str, object]
) -> dict[str, object]:
    """The step's first open approval is given; a release that has paused by itself for it goes on."""
    gate = open_approval(steps, status)
    if gate is None:
        return {}
    said = request.described("approved")
    result = GateResult(step=status.step, gate=gate, passed=True, at=request.at, evidence=said)
    by_a_person = status.heard is not None and status.heard.verb is Verb.PAUSE
    goes_on = on if status.phase is Phase.PAUSED and not by_a_person else {}
    return {**goes_on, "gates": (*passed_only(status), result)}


def taken_back(last: Release, kept: Collection[str], base: int) -> Release:
    """The newest release, or, where it is to be undone, its record as it goes back to what it came from.

    base: pods of the app by now.
    """
    request = unheard(last)
    if request is None or request.verb is not Verb.UNDO or objection_to_undo(last, kept):
        return last
    return with_status(
        last, phase=Phase.ABORTING, heard=request, reason=request.described("undone"), finished_at=None,
        superseded_by=None, held_since=None, base=base,
    )  # fmt: skip


def hurried(release: Release) -> bool:
    """Whether it goes to its end without holds."""
    return release.spec.request is not None and release.spec.request.verb is Verb.PROMOTE
