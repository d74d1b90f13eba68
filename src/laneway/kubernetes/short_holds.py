"""Holds that end within seconds: known, and not written, as such a record would be over before it is read.

A controller that takes over begins such a hold anew, which is as safe, and seconds longer. Must not decide
how long a hold is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from laneway.control.changes import Record
from laneway.control.loop import Pass
from laneway.plan.records import status_of
from laneway.spec.meta import Key
from laneway.spec.release import Release, ReleaseStatus
from laneway.spec.world import Spec

SHORT = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class _Hold:
    """stored: what is written; record: the same with the hold; ends: when there is something else to do."""

    stored: ReleaseStatus
    record: Record
    ends: datetime

    def is_of(self, spec: Spec) -> bool:
        """Whether it is of an app that this is about."""
        release = self.record.release
        return any(Key(release.key.namespace, each.name) in spec.apps for each in release.spec.apps)


class ShortHolds:
    """Of one cluster, kept for as long as its controller leads."""

    def __init__(self) -> None:
        self._holds: dict[Key, _Hold] = {}

    def known(self, spec: Spec) -> Spec:
        """What people want, with the holds that are not written."""
        for key, hold in [(key, hold) for key, hold in self._holds.items() if hold.is_of(spec)]:
            release = spec.releases.get(key)
            if release is None or release.status != hold.stored:
                del self._holds[key]  # it went on, or somebody else wrote it
        if not any(key in self._holds for key in spec.releases):
            return spec
        return replace(spec, releases={key: self._held(each) for key, each in spec.releases.items()})

    def _held(self, release: Release) -> Release:
        hold = self._holds.get(release.key)
        return release.model_copy(update={"status": hold.record.release.status}) if hold else release

    def kept_back(self, seen: Pass, now: datetime) -> Pass:
        """The pass without records of holds that end soon, and with those which their end has not led on."""
        records = [each for each in seen.changes.records if not self._keeps(seen, each, now)]
        records += self._over(seen, now)
        return replace(seen, changes=replace(seen.changes, records=tuple(records)))

    def _keeps(self, seen: Pass, record: Record, now: datetime) -> bool:
        before = seen.spec.releases.get(record.release.key)
        ends, held = seen.planned.wake, status_of(record.release)
        if ends is None or not now < ends <= now + SHORT or held.held_since is None:
            return False
        if before is None or before.status is None or _unheld(before.status) != _unheld(held):
            return False
        self._holds[record.release.key] = _Hold(before.status, record, ends)
        return True

    def _over(self, seen: Pass, now: datetime) -> Iterator[Record]:
        going_on = {record.release.key for record in seen.changes.records}
        for key in seen.spec.releases.keys() - going_on:
            if (hold := self._holds.get(key)) and now >= hold.ends:
                yield hold.record


def _unheld(status: ReleaseStatus) -> ReleaseStatus:
    return status.model_copy(update={"held_since": None})
