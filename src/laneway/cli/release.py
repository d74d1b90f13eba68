"""`laneway release …`: where releases stand, and waiting for their end. What is asked of them: `verbs`."""

from __future__ import annotations

from datetime import timedelta
from enum import IntEnum
from typing import TYPE_CHECKING

import click

from laneway.cli import options
from laneway.cli.options import Format

if TYPE_CHECKING:
    from rich.console import RenderableType

    from laneway.cli.engine import Engine
    from laneway.cli.places import Place
    from laneway.control.status import AppStatus, ReleaseStatus, Status, Version


ABSENCE = timedelta(seconds=30)
"""How long the daemon may be away while somebody waits: it may be started anew."""


TAKEN_UP = timedelta(seconds=5)
"""How long a command waits at most for the controller to take up what it asked: usually milliseconds."""


class Exit(IntEnum):
    """Exit codes of `release wait`, for scripts."""

    PROMOTED = 0
    ERROR = 1
    USAGE = 2
    ROLLED_BACK = 3
    TIMEOUT = 4
    PAUSED = 5
    SUPERSEDED = 6


ENDS = {
    "Promoted": Exit.PROMOTED,
    "RolledBack": Exit.ROLLED_BACK,
    "Paused": Exit.PAUSED,
    "Superseded": Exit.SUPERSEDED,
}
"""Exit code of each phase (`spec.release.Phase`) in which nothing moves any more by itself."""


@click.group("release", cls=options.InOrder, no_args_is_help=True)
def release() -> None:
    """Follow releases, and say how they go on."""


@release.command(
    "status", epilog=options.example("laneway release status", "laneway release status pharmacy")
)
@options.any_app
@options.output
@options.namespace
@options.all_namespaces
@options.place
def release_status(app: str | None, output: Format, namespace: str | None, place: Place) -> None:
    """Show where releases stand, and why they stay there.

    The newest of each app, or all of one app.
    """
    from laneway.cli import finding, places
    from laneway.cli.output import emit

    with places.connected(place, app) as client:
        status = client.status()
    releases = (
        finding.releases(status, finding.app(status, app, namespace))
        if app
        else finding.newest_releases(status, namespace)
    )
    emit(
        output,
        {"releases": releases},
        table=lambda: _table(status, releases),
        names=[f"release/{release['name']}" for release in releases],
    )


@release.command("wait", epilog=options.example("laneway release wait pharmacy --timeout 10m"))
@options.app
@click.option(
    "--revision",
    metavar="REVISION",
    show_default="the newest release",
    help="Of the release to this revision.",
)
@options.timeout("5m")
@options.output
@options.namespace
@options.place
def release_wait(
    app: str, revision: str | None, limit: timedelta, output: Format, namespace: str | None, place: Place
) -> None:
    """Wait until the newest release of an app ends or pauses.

    Why it stays where it is is said on standard error. Exit code: 0 promoted, 1 error, 2 usage, 3 rolled
    back, 4 timeout, 5 paused, 6 superseded.
    """
    from laneway.cli import finding, places

    with places.connected(place, app) as client:
        found = finding.app(client.status(), app, namespace)
        release, code = _wait_for_app(client, found, revision, limit)
    print_release(output, release)
    click.get_current_context().exit(code)


def _wait_for_app(
    client: Engine, app: AppStatus, revision: str | None, limit: timedelta
) -> tuple[ReleaseStatus | None, Exit]:
    """Wait for the chosen release of an app; for an app that never had one, until its first revision serves.

    Raises Failure where the app had releases, but none to `revision`.
    """
    from laneway.cli import finding, waiting
    from laneway.cli.failure import Failure
    from laneway.cli.output import Progress, say
    from laneway.spec.problems import Code

    name, progress = f"{app['namespace']}/{app['name']}", Progress()
    for status in waiting.follow(client, limit, ABSENCE):
        app = finding.app(status, app["name"], app["namespace"])
        if release := finding.newest_release(status, app, revision):
            return follow(client, release, limit)
        if revision and not app["stable"].startswith(revision):
            known = ", ".join(release["revision"] for release in finding.releases(status, app)) or "none"
            raise Failure(
                Code.NO_RELEASE, f"no release of {name} goes to {revision}", f"its releases go to: {known}"
            )
        if app["ready"] and app["confirmed"]:
            say(f"{name} serves {app['stable']}, to which no release was needed")
            return None, Exit.PROMOTED
        progress.show(waiting.missing_of_app(app))
    return None, Exit.TIMEOUT


def follow(
    client: Engine, release: ReleaseStatus, limit: timedelta, after: int = -1
) -> tuple[ReleaseStatus, Exit]:
    """Follow one release until it ends or pauses.

    after: a version of the store that what was seen is newer than.
    """
    from laneway.cli import waiting
    from laneway.cli.output import Progress, say

    progress = Progress()
    for status in waiting.follow(client, limit, ABSENCE):
        release = next((r for r in status["releases"] if _same(r, release)), release)
        if status["observed"] <= after:
            continue
        if (code := ENDS.get(release["phase"])) is not None:
            return release, code
        progress.show([_line(status, release), *_why(status, release)])
    say(f"the time is over; release {release['name']} goes on")
    return release, Exit.TIMEOUT


def taken_up(client: Engine, release: ReleaseStatus, after: int) -> ReleaseStatus:
    """One release as it is once the controller has read what was asked of it, or `TAKEN_UP` later.

    after: as for `follow`.
    """
    from laneway.cli import waiting

    for status in waiting.follow(client, TAKEN_UP):
        release = next((r for r in status["releases"] if _same(r, release)), release)
        if status["observed"] > after:
            break
    return release


def _same(one: ReleaseStatus, other: ReleaseStatus) -> bool:
    return (one["namespace"], one["name"], one["app"]) == (other["namespace"], other["name"], other["app"])


def _line(status: Status, release: ReleaseStatus) -> str:
    """Where a release stands, in a sentence."""
    step = f"step {release['step'] + 1} of {release['steps']} to {release['weight']:g}%"
    now = _version(status, release)
    name = f"{release['namespace']}/{release['app']} {release['revision']}"
    return f"{name}: {release['phase']}, {step}; {now['weight'] if now else 0:g}% now"


def _version(status: Status, release: ReleaseStatus) -> Version | None:
    """The version that a release goes to, while it has a place in its app."""
    for app in status["apps"]:
        if (app["namespace"], app["name"]) == (release["namespace"], release["app"]):
            return next((v for v in app["versions"] if v["revision"] == release["revision"]), None)
    return None


def _why(status: Status, release: ReleaseStatus) -> list[str]:
    from laneway.cli import waiting

    space = release["namespace"]
    return waiting.why(status, [(space, release["app"]), (space, release["name"])])


def print_release(form: Format, release: ReleaseStatus | None) -> None:
    """Print one release; none for an app that never needed one."""
    from laneway.cli.output import emit

    names = [f"release/{release['name']}"] if release else []
    emit(form, release, table=lambda: _sentence(release), names=names)


def _sentence(release: ReleaseStatus | None) -> str:
    if release is None:
        return "no release"
    reason = f": {release['reason']}" if release["reason"] else ""
    others = f", together with {', '.join(release['together'])}" if release["together"] else ""
    of = f"{release['namespace']}/{release['app']}{others}"
    return f"release {release['name']} of {of}: {release['phase']}{reason}"


def _table(status: Status, releases: list[ReleaseStatus]) -> RenderableType:
    from rich.console import Group

    from laneway.cli.output import listing

    columns = ("namespace", "app", "release", "revision", "phase", "step", "weight", "pods", "reason")
    running = [r for r in releases if r["finishedAt"] is None]
    lines = [line for r in running for line in _why(status, r)]
    rows = [_row(status, release) for release in releases]
    return Group(listing(columns, rows, nothing="no release; a changed template starts one"), *lines)


def _row(status: Status, release: ReleaseStatus) -> tuple[str, ...]:
    from laneway.cli import tables

    version = _version(status, release)
    weight = f"{version['weight']:g}%" if version else "-"
    pods = tables.pods(version["replicas"]) if version else "-"
    named = (release["namespace"], release["app"], release["name"], release["revision"])
    return (*named, release["phase"], tables.step(release), weight, pods, release["reason"] or "-")
