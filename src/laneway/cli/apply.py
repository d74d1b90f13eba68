"""`laneway apply`: sends objects to a running Laneway, and says which releases that starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from laneway.cli import options
from laneway.cli.options import Format

if TYPE_CHECKING:
    from rich.console import RenderableType

    from laneway.cli.engine import Engine
    from laneway.cli.loading import Batch
    from laneway.cli.places import Place
    from laneway.control.status import AppStatus, Change, Changes, Json, ReleaseStatus, Status

MESH_KINDS = frozenset(
    {"VirtualService", "DestinationRule", "Gateway", "ServiceEntry", "Sidecar", "Service", "Mesh"}
)
"""Kinds whose change has taken effect when every proxy has confirmed."""


@click.command(
    "apply",
    epilog=options.example("laneway apply -f pharmacy.yaml --wait", "kustomize build . | laneway apply -f -"),
)
@options.files
@options.recursive
@click.option(
    "--together",
    metavar="NAME",
    show_default="each app by itself",
    help="Release the apps that change as one, by this name.",
)
@options.wait
@options.timeout("2m")
@click.option("--take-over", is_flag=True, help="On a cluster: also fields that somebody else owns.")
@options.reason
@options.output
@options.namespace
@options.place
def apply(
    paths: tuple[str, ...],
    recursive: bool,
    together: str | None,
    wait: bool,
    limit: timedelta,
    take_over: bool,
    reason: str,
    output: Format,
    namespace: str | None,
    place: Place,
) -> None:
    """Apply files to a running Laneway.

    All of them are applied, or nothing where anything is wrong.
    A changed template starts a release. With --wait everything else has taken effect when it returns; follow
    the releases with `laneway release wait`.
    """
    from laneway.cli import loading, places
    from laneway.cli.output import emit

    if not paths:
        raise click.BadParameter("say what to apply", param_hint="-f")
    batch = loading.load_files(paths, recursive, namespace, place)
    with places.connected(place, *batch.namespaces) as client:
        status = client.status()
        before = {(release["namespace"], release["name"]) for release in status["releases"]}
        release = _with_release(client, batch, status, together)
        changes = loading.apply(client, batch, reason, release, take_over=take_over)
        status = taken_up(client, changes, wait, limit)
    started = [r for r in status["releases"] if (r["namespace"], r["name"]) not in before]
    document = {"objects": changes["objects"], "releases": started}
    emit(
        output,
        document,
        table=lambda: _table(changes, started, place),
        names=[f"{change['kind'].lower()}/{change['name']}" for change in changes["objects"]],
    )


def _with_release(
    client: Engine, batch: Batch, status: Status, name: str | None
) -> Callable[[list[Json]], list[Json]]:
    """The Release that goes along with a batch, given what is applied already; none without a name."""
    from laneway.cli import loading, together

    def made(stored: list[Json]) -> list[Json]:
        if name is None:
            return []
        if any(obj["kind"] == "Release" and obj["metadata"]["name"] == name for obj in stored):
            raise click.BadParameter(f"there is a release {name} already", param_hint="--together")
        spec = loading.spec(client, stored, client.trial(batch.objects()))
        return [together.release_of(name, together.changed(spec, status))]

    return made


def taken_up(client: Engine, changes: Changes, wait: bool, limit: timedelta) -> Status:
    """The first status that knows the changes; with `wait`, the first in which they have taken effect.

    Raises Failure when the time is over, with what is missing.
    """
    from laneway.cli import waiting
    from laneway.cli.failure import Failure
    from laneway.cli.output import Progress
    from laneway.spec.problems import Code

    progress, lines = Progress(), ["the controller has not taken the changes up"]
    for status in waiting.follow(client, limit):
        if status["observed"] < changes["version"]:
            continue
        lines = list(_missing(status, changes["objects"])) if wait else []
        if not lines:
            return status
        progress.show(lines)
    raise Failure(Code.TIME_OVER, "\n  ".join(["applied, but not in effect everywhere in time:", *lines]))


def _missing(status: Status, changes: list[Change]) -> Iterator[str]:
    """What keeps the changes from having taken effect. An app under release is the release's matter."""
    from laneway.cli import waiting

    namespaces = {change["namespace"] for change in changes if change["kind"] in {"App", "Deployment"}}
    for app in status["apps"]:
        if app["namespace"] not in namespaces:
            continue
        if (revision := _in_line(status, app)) is not None:
            yield f"{app['namespace']}/{app['name']}: {revision} begins when the older one is back at stable"
        elif app["release"] is None and not (app["ready"] and app["confirmed"]):
            yield from waiting.missing_of_app(app)
    named = {(change["kind"], change["namespace"], change["name"]) for change in changes}
    for workload in status["workloads"]:
        if ("Deployment", workload["namespace"], workload["name"]) in named and not workload["ready"]:
            yield waiting.missing_of_workload(workload)
    for lane in status["lanes"]:
        if ("Lane", lane["namespace"], lane["name"]) in named and not (lane["ready"] and lane["confirmed"]):
            yield from waiting.missing_of_lane(lane)
    if any(change["kind"] in MESH_KINDS for change in changes):
        yield from waiting.laggards(status)


def _in_line(status: Status, app: AppStatus) -> str | None:
    """The revision whose release begins as soon as the one that it supersedes has returned its weight."""
    of_app = [r for r in status["releases"] if (r["namespace"], r["app"]) == (app["namespace"], app["name"])]
    revision = of_app[-1]["supersededBy"] if of_app else None
    waits = any(v["revision"] == revision and v["role"] == "candidate" for v in app["versions"])
    return revision if waits else None


def _waiting_for(release: ReleaseStatus) -> str:
    return f"release wait {release['app']} -n {release['namespace']}"


def _table(changes: Changes, started: list[ReleaseStatus], place: Place) -> RenderableType:
    from rich.console import Group

    from laneway.cli.output import grid

    rows = [(c["kind"], c["namespace"], c["name"], c["operation"]) for c in changes["objects"]]
    follow = [
        f"release {r['name']} of {r['namespace']}/{r['app']} to {r['revision']} has started; "
        f"follow it: {options.command_line(place, _waiting_for(r))}"
        for r in started
    ]
    return Group(grid(("kind", "namespace", "name", "operation"), rows), *follow)
