"""`keepOld`: which version keeps its pods without any weight, for the way back, and until when. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from laneway.plan.autoscaled import is_autoscaled
from laneway.plan.records import status_of
from laneway.plan.release import Course
from laneway.plan.result import Finding
from laneway.spec.app import App
from laneway.spec.release import Phase, Release


@dataclass(frozen=True, slots=True)
class Warm:
    """pods: that a revision keeps at least, 0: as many as the app's base; until: when that is over."""

    pods: Mapping[str, int] = field(default_factory=dict)
    until: datetime | None = None
    findings: tuple[Finding, ...] = ()


NONE = Warm()


def keep_warm(
    app: App, course: Course, last: Release | None, kept: Collection[str], stable: str, now: datetime
) -> Warm:
    """Stable during a release; after its promotion the version before, until `keepOld` is over.

    last: the app's newest release, as it was before this pass; stable: after it. A newer release lets go of
    what the one before kept.
    """
    length = app.spec.release.keep_old
    if not length:
        return NONE
    if course.active:
        return Warm({stable: 0})
    last = course.ended or last
    if last is None or status_of(last).phase is not Phase.PROMOTED:
        return NONE
    status = status_of(last)
    old, since = status.stable, status.finished_at
    if since is None or old == stable or old not in kept or now >= since + length:
        return NONE
    until, name = since + length, app.metadata.name
    text = f"{name} keeps the pods of {old} until {until:%H:%M:%S} UTC, for: laneway release undo {name}"
    pods = status.base if is_autoscaled(app) else 0
    return Warm({old: pods}, until, (Finding("KeptWarm", app.key, text),))
