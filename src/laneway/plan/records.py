"""The records of releases: which one an app has, and how one begins. Must not decide its course."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from laneway.spec.app import App
from laneway.spec.meta import Key, ObjectMeta
from laneway.spec.release import Phase, Release, ReleaseApp, ReleaseSpec, ReleaseStatus

RELEASES_KEPT = 10
"""Records of an app's releases that are over; the history has the older ones."""


def status_of(release: Release) -> ReleaseStatus:
    """The record of a release that has begun."""
    assert release.status is not None, f"release {release.key} has not begun"
    return release.status


def with_status(release: Release, **changes: object) -> Release:
    """The release with some of its record changed."""
    status = status_of(release).model_copy(update=changes)
    return release.model_copy(update={"status": status})


def begin(
    app: App, revision: str, stable: str, base: int, now: datetime, releases: Mapping[Key, Release]
) -> Release:
    """The record of a new release: one that was asked for under a name of its own, else a new one."""
    status = ReleaseStatus(
        phase=Phase.PROGRESSING, step=0, stable=stable, base=base, started_at=now, step_started_at=now
    )
    alone = [release for release in releases.values() if len(release.spec.apps) == 1]
    if asked := asked_for(app.key, revision, alone):
        return asked.model_copy(update={"status": status})
    meta = ObjectMeta(name=free_name(app.key, revision, releases), namespace=app.metadata.namespace)
    wanted = [ReleaseApp(name=app.metadata.name, revision=revision)]
    return Release(metadata=meta, spec=ReleaseSpec(apps=wanted), status=status)


def asked_for(app: Key, revision: str, releases: Iterable[Release]) -> Release | None:
    """A release of this revision that somebody wrote and that has not begun."""
    for release in releases:
        if release.status is None and is_of(app, release) and release.spec.apps[0].revision == revision:
            return release
    return None


def is_of(app: Key, release: Release) -> bool:
    """Whether a release is one of this app."""
    same = release.key.namespace == app.namespace
    return same and any(part.name == app.name for part in release.spec.apps)


def views(release: Release) -> dict[Key, Release]:
    """The release as each of its apps sees it: as one of that app alone."""
    if len(release.spec.apps) == 1:
        return {Key(release.key.namespace, release.spec.apps[0].name): release}
    return {Key(release.key.namespace, part.name): _view(release, part) for part in release.spec.apps}


def _view(release: Release, part: ReleaseApp) -> Release:
    spec, status = release.spec.model_copy(update={"apps": [part]}), release.status
    if status and (member := status.members.get(part.name)):
        status = status.model_copy(update={"stable": member.stable, "base": member.base})
    return release.model_copy(update={"spec": spec, "status": status})


def free_name(app: Key, revision: str, releases: Mapping[Key, Release]) -> str:
    """A name for a release that no other has."""
    name, attempt = f"{app.name}-{revision}", 1
    while Key(app.namespace, name) in releases:
        attempt += 1
        name = f"{app.name}-{revision}-{attempt}"
    return name


def under_way(app: Key, releases: Iterable[Release]) -> Release | None:
    """The app's release that has begun and is not over."""
    for release in releases:
        if is_under_way(release) and is_of(app, release):
            return release
    return None


def is_under_way(release: Release) -> bool:
    """Whether a release has begun and is not over."""
    return release.status is not None and not release.status.phase.over


def newest(releases: Iterable[Release]) -> Release | None:
    """The release that began last, of those that have begun."""
    begun = [release for release in releases if release.status]
    return max(begun, key=lambda each: (status_of(each).started_at, each.key), default=None)


def by_app(releases: Iterable[Release]) -> dict[Key, tuple[Release, ...]]:
    """The records of each app, as it sees them."""
    found: dict[Key, list[Release]] = {}
    for release in releases:
        for app, view in views(release).items():
            found.setdefault(app, []).append(view)
    return {app: tuple(releases) for app, releases in found.items()}


def forgotten(mine: Mapping[Key, tuple[Release, ...]]) -> tuple[Key, ...]:
    """The records that need not be kept: those which no app of theirs needs. mine: by app."""
    times = Counter(key for releases in mine.values() for key in _forgotten(releases))
    held = Counter(release.key for releases in mine.values() for release in releases)
    return tuple(key for key in times if times[key] == held[key])


def _forgotten(releases: tuple[Release, ...]) -> list[Key]:
    """The records that one app does not need, oldest first."""
    over = [release for release in releases if release.status and release.status.phase.over]
    over.sort(key=lambda release: (status_of(release).started_at, release.key))
    return [release.key for release in over[:-RELEASES_KEPT]]
