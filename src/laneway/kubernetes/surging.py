"""Pods that releases add all over the cluster, by the apps that are planned together.

What a plan has just asked for counts before it can be observed, so that plans made one after the other never
take the same room. Must not decide who gets it.
"""

from __future__ import annotations

from collections.abc import Mapping

from laneway.control.loop import Pass
from laneway.plan.observed import AppSeen, VersionSeen
from laneway.plan.surge_budget import beside
from laneway.spec.meta import Key

USED_UP = "SurgeUsedUp"
"""The finding of an app that waits for room."""


class Surging:
    """Of one cluster, kept for as long as its controller leads."""

    def __init__(self) -> None:
        self._beside: dict[Key, int] = {}
        self._total = 0
        self._waiting: set[Key] = set()
        self._freed = False

    def elsewhere(self, apps: tuple[Key, ...]) -> int:
        """Pods beside the bases of all other apps than these."""
        return self._total - sum(self._beside.get(app, 0) for app in apps)

    def planned(self, seen: Pass) -> None:
        """A plan was made: what there is, and what it asks for beside."""
        self._waiting -= {app.key for app in seen.planned.apps}
        self._waiting |= {f.subject for f in seen.report.findings if f.code == USED_UP}
        bases = _bases(seen)
        for app in seen.planned.apps:
            there = seen.observed.apps.get(app.key, AppSeen())
            wanted = {v.revision: VersionSeen(desired=v.replicas) for v in app.versions}
            base = bases.get(app.key, seen.spec.replicas(seen.spec.apps[app.key]))
            most = {
                revision: VersionSeen(
                    desired=max(_of(there.versions, revision).desired, _of(wanted, revision).desired),
                    pods=_of(there.versions, revision).pods,
                )
                for revision in {*there.versions, *wanted}
            }
            self._set(app.key, beside(AppSeen(versions=most), base) if app.key in bases else 0)

    def freed(self) -> frozenset[Key]:
        """The apps that wait for room, where there is some that there was not when this was last asked."""
        freed, self._freed = self._freed, False
        return frozenset(self._waiting) if freed else frozenset()

    def forget(self, app: Key) -> None:
        """The app is gone."""
        self._set(app, 0)

    def _set(self, app: Key, pods: int) -> None:
        change = pods - self._beside.pop(app, 0)
        self._total += change
        self._freed |= change < 0
        if pods:
            self._beside[app] = pods


def _of(versions: Mapping[str, VersionSeen], revision: str) -> VersionSeen:
    return versions.get(revision, VersionSeen())


def _bases(seen: Pass) -> dict[Key, int]:
    """The base of each app whose release is under way."""
    releases = {**seen.spec.releases, **{each.key: each for each in seen.planned.releases}}
    found = {}
    for release in releases.values():
        if release.status is None or release.status.phase.over:
            continue
        for part in release.spec.apps:
            member = release.status.members.get(part.name)
            found[Key(release.key.namespace, part.name)] = member.base if member else release.status.base
    return found
