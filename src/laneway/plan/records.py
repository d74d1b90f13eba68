"""The records of releases: which one an app has, and how one begins. Must not decide its course."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from laneway.spec.app import App
from laneway.spec.meta import Key, ObjectMeta
from laneway.spec.release import Phase, Release, ReleaseApp, ReleaseSpec, ReleaseStatus


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
        if release.status and not release.status.phase.over and is_of(app, release):
            return release
    return None


def newest(releases: Iterable[Release]) -> Release | None:
    """The release that began last, of those that have begun."""
    begun = [release for release in releases if release.status]
    return max(begun, key=lambda each: (status_of(each).started_at, each.key), default=None)
