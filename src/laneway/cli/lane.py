"""`laneway lane …`: parallel environments made, listed and removed."""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from laneway.cli import options
from laneway.cli.lane_promote import lane_promote
from laneway.cli.lane_rebase import lane_rebase
from laneway.cli.options import Format

if TYPE_CHECKING:
    from laneway.cli.engine import Engine
    from laneway.cli.places import Place
    from laneway.control.status import Json, LaneStatus, Status


UNKNOWN_INGRESS = "http://INGRESS"
"""Where a cluster does not tell where its ingress is reached."""


@click.group("lane", cls=options.InOrder, no_args_is_help=True)
def lane() -> None:
    """Make, list, promote and remove lanes."""


@lane.command(
    "up",
    epilog=options.example(
        "laneway lane up green --app pharmacy --image registry/pharmacy:pr-123 --wait",
        "laneway lane up green --app pharmacy=registry/pharmacy:pr-123 --app inventory --ttl 24h",
    ),
)
@click.argument("name", metavar="NAME", help="The lane's name.")
@click.option(
    "--app",
    "apps",
    multiple=True,
    metavar="APP[=IMAGE]",
    help="App that the lane runs a version of; repeatable.",
)
@click.option("--image", metavar="IMAGE", help="Image of the one app given.")
@click.option(
    "--env",
    type=options.PAIR,
    multiple=True,
    metavar="NAME=VALUE",
    help="Variable of each app given; repeatable.",
)
@click.option(
    "--ttl",
    type=options.DURATION,
    metavar="DURATION",
    show_default="never",
    help="How long after its creation the lane ends.",
)
@click.option("--value", metavar="VALUE", show_default="the lane's name", help="The header's value.")
@options.wait
@options.timeout("2m")
@options.reason
@options.output
@options.namespace
@options.place
def lane_up(
    name: str,
    apps: tuple[str, ...],
    image: str | None,
    env: tuple[tuple[str, str], ...],
    ttl: timedelta | None,
    value: str | None,
    wait: bool,
    limit: timedelta,
    reason: str,
    output: Format,
    namespace: str | None,
    place: Place,
) -> None:
    """Make a lane, or change one.

    It runs the apps' stable versions with another image or other variables. Requests that carry the lane's
    header reach these versions, and the shared ones of every other app.
    """
    from laneway.cli import finding, lane_change, places
    from laneway.cli.apply import taken_up
    from laneway.cli.loading import send_objects
    from laneway.cli.output import emit

    wanted = lane_change.wanted(apps, image, env)
    settings = lane_change.settings(ttl, value)
    with places.connected(place, *map(lane_change.name_of, apps)) as client:
        status = client.status()
        space = _space(status, name, [lane_change.name_of(app) for app in apps], namespace)
        before = next(iter(client.objects("Lane", space, name)), None)
        if before is None and not wanted:
            raise click.BadParameter(
                f"there is no lane {space}/{name} yet: say what it runs", param_hint="--app"
            )
        changes = send_objects(
            client,
            [lane_change.merged(before, space, name, wanted, settings)],
            reason or "laneway lane up",
        )
        status = taken_up(client, changes, wait, limit)
    document = _document(status, finding.lane_of(status, name, space))
    emit(output, document, table=lambda: _prose(document), names=[f"lane/{name}"])


def _space(status: Status, lane: str, apps: list[str], namespace: str | None) -> str:
    """The namespace of the lane: as asked, that of its apps, or that of the lane that is there."""
    from laneway.cli import finding

    if namespace:
        return namespace
    if not apps:
        return finding.lane_of(status, lane, None)["namespace"]
    found = {finding.app(status, app, None)["namespace"] for app in apps}
    if len(found) > 1:
        raise click.BadParameter(f"the apps are in {', '.join(sorted(found))}: a lane is in one namespace")
    return found.pop()


def _document(status: Status, lane: LaneStatus) -> Json:
    """The lane as the status has it, and where it can be tried."""
    return {**lane, "url": status["ingress"] or UNKNOWN_INGRESS, "host": entry_host(status, lane)}


def entry_host(status: Status, lane: LaneStatus) -> str | None:
    """A public host through which the lane can be tried: of one of its apps, else of any in its namespace."""
    named = {app["name"] for app in lane["apps"]}
    near = [app for app in status["apps"] if app["namespace"] == lane["namespace"] and app["hosts"]]
    for app in sorted(near, key=lambda app: app["name"] not in named):
        return app["hosts"][0]
    return None


def _prose(document: Json) -> str:
    headers = [f"{name}: {value}" for name, value in document["header"].items()]
    if document["host"]:
        headers.insert(0, f"Host: {document['host']}")
    curl = " ".join(["curl", *(f"-H {shlex.quote(header)}" for header in headers), f"{document['url']}/"])
    apps = ", ".join(app["name"] for app in document["apps"]) or "no app"
    ready = "is ready" if document["ready"] and document["confirmed"] else "is coming up"
    return f"lane {document['namespace']}/{document['name']} {ready}; it runs {apps}\n  try   {curl}"


@lane.command("ls", epilog=options.example("laneway lane ls"))
@options.output
@options.namespace
@options.all_namespaces
@options.place
def lane_ls(output: Format, namespace: str | None, place: Place) -> None:
    """List lanes: their header, what they run, when they end."""
    from laneway.cli import places
    from laneway.cli.output import emit, listing

    with places.connected(place) as client:
        status = client.status()
    lanes = [lane for lane in status["lanes"] if namespace in (None, lane["namespace"])]
    emit(
        output,
        {"lanes": [_document(status, lane) for lane in lanes]},
        table=lambda: listing(
            ("namespace", "lane", "header", "apps", "ready", "ends", "owner"),
            map(_row, lanes),
            nothing="no lane; make one: laneway lane up NAME --app APP --image IMAGE",
        ),
        names=[f"lane/{lane['name']}" for lane in lanes],
    )


def _row(lane: LaneStatus) -> tuple[str, ...]:
    from laneway.cli import tables

    apps = ", ".join(f"{app['name']}={app['image']}" for app in lane["apps"])
    return (
        lane["namespace"],
        lane["name"],
        tables.header(lane),
        apps or "-",
        tables.ready(lane),
        lane["expiresAt"] or "-",
        lane["owner"] or "-",
    )


lane.add_command(lane_promote)
lane.add_command(lane_rebase)


@lane.command("rm", epilog=options.example("laneway lane rm green --wait --ignore-not-found"))
@click.argument("name", metavar="NAME", help="The lane's name.")
@options.wait
@options.timeout("2m")
@click.option("--ignore-not-found", is_flag=True, help="Exit code 0 where there is no such lane.")
@options.reason
@options.output
@options.namespace
@options.place
def lane_rm(
    name: str,
    wait: bool,
    limit: timedelta,
    ignore_not_found: bool,
    reason: str,
    output: Format,
    namespace: str | None,
    place: Place,
) -> None:
    """Remove a lane.

    Its requests go where those without its header go; its pods end when no request needs them.
    """
    from laneway.cli import finding, places
    from laneway.cli.failure import Failure
    from laneway.cli.output import emit
    from laneway.spec.problems import Code

    with places.connected(place, name) as client:
        try:
            lane = finding.lane_of(client.status(), name, namespace)
        except Failure as failure:
            if ignore_not_found and failure.code is Code.NOT_FOUND:
                emit(
                    output,
                    {"name": name, "namespace": namespace, "removed": False},
                    table=lambda: f"no lane {name}",
                )
                return
            raise
        space = lane["namespace"]
        changes = client.delete(
            [{"kind": "Lane", "namespace": space, "name": lane["name"]}],
            by=options.user(),
            reason=reason or "laneway lane rm",
        )
        if wait:
            _gone(client, space, lane["name"], changes["version"], limit)
    document = {"name": lane["name"], "namespace": space, "removed": True}
    emit(
        output,
        document,
        table=lambda: f"lane {space}/{lane['name']} is removed",
        names=[f"lane/{lane['name']}"],
    )


def _gone(client: Engine, namespace: str, name: str, version: int, limit: timedelta) -> None:
    """Wait until no proxy has a rule for the lane and none of its pods exists.

    Raises Failure when the time is over.
    """
    from laneway.cli import waiting
    from laneway.cli.failure import Failure
    from laneway.cli.output import Progress, counted
    from laneway.spec.problems import Code

    progress, lines = Progress(), ["the controller has not taken the removal up"]
    for status in waiting.follow(client, limit):
        if status["observed"] < version:
            continue
        pods = [pod["metadata"]["name"] for pod in client.objects("Pod", namespace) if _of_lane(pod, name)]
        if not pods:
            return
        lines = [f"{counted(len(pods), 'pod')} of lane {namespace}/{name} still to end"]
        progress.show(lines)
    raise Failure(Code.TIME_OVER, "\n  ".join(["the lane is removed, but not everywhere in time:", *lines]))


def _of_lane(pod: dict[str, Any], lane: str) -> bool:
    return bool(pod["metadata"].get("labels", {}).get("laneway.dev/lane") == lane)
