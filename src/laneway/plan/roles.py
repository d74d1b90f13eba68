"""What each kept template is to its app, and which one is stable. Must not know pods' sizes or steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from laneway.plan.observed import AppSeen, Kept, Role
from laneway.plan.records import newest, status_of
from laneway.plan.release import Course
from laneway.spec.release import Phase, Release
from laneway.spec.values import FULL


def stable_of(seen: AppSeen, wanted: str, begun: Iterable[Release]) -> str:
    """The stable revision: the one labelled so. wanted: the revision of the app's template, taken otherwise.

    A label that has not been written yet is read from what has: the record of the promotion, or the rules.
    Where nothing serves yet there is nothing to go back to, so that a broken first version can be corrected
    at once.
    """
    labelled = next((revision for revision, kept in seen.kept.items() if kept.role is Role.STABLE), None)
    if labelled is None:
        return _unlabelled(seen, wanted, begun)
    last = newest(begun)
    if last and _undone(last, labelled) and status_of(last).stable in seen.kept:
        return status_of(last).stable
    if seen.written is None:
        serves = labelled in seen.versions and seen.versions[labelled].available
        return labelled if serves else wanted
    if last is None:
        return labelled
    status, released = status_of(last), last.spec.apps[0].revision
    promoted = status.phase is Phase.PROMOTED and status.stable == labelled
    if promoted and released in seen.kept and dict(seen.written.weights) == {released: FULL}:
        return released
    return labelled


def _unlabelled(seen: AppSeen, wanted: str, begun: Iterable[Release]) -> str:
    """What the release under way set out from, else what has most of the weight, else the wanted revision."""
    last = newest(begun)
    if last and not status_of(last).phase.over and status_of(last).stable in seen.kept:
        return status_of(last).stable
    served = sorted(seen.written.weights.items(), key=lambda share: -share[1]) if seen.written else []
    return next((revision for revision, _ in served if revision in seen.kept), wanted)


def _undone(release: Release, labelled: str) -> bool:
    """Whether a release goes back after its revision had become stable."""
    return status_of(release).phase is Phase.ABORTING and release.spec.apps[0].revision == labelled


def is_refused(revision: str, seen: AppSeen, begun: Iterable[Release]) -> bool:
    """Whether a revision was rolled back since its template was applied: by label, or else by record."""
    role = seen.kept[revision].role if revision in seen.kept else None
    if role is not Role.CANDIDATE:
        return role is Role.REFUSED
    records = [status_of(release) for release in begun if release.spec.apps[0].revision == revision]
    ended = [(status.finished_at, status.phase) for status in records if status.finished_at]
    return bool(ended) and max(ended)[1] is Phase.ROLLED_BACK


def roles_after(
    course: Course, kept: Mapping[str, Kept], stable: str, wanted: str, refused: bool
) -> dict[str, Role]:
    """What every kept template is to the app now; exactly one is stable, and it is among `kept`."""
    roles = dict.fromkeys(kept, Role.RETIRED)
    if refused and course.active is None:
        roles[wanted] = Role.REFUSED
    roles[stable] = Role.STABLE
    if course.ended:
        released, phase = course.ended.spec.apps[0].revision, status_of(course.ended).phase
        if phase is Phase.PROMOTED:
            roles[stable] = Role.RETIRED
            roles[released] = Role.STABLE
        elif phase is Phase.ROLLED_BACK and released == wanted != stable:
            roles[released] = Role.REFUSED
    if course.active:
        roles[course.active.spec.apps[0].revision] = Role.CANDIDATE
    return roles
