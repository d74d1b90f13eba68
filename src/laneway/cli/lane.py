"""`laneway lane …`: parallel environments made, listed and removed."""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from laneway.cli import options
from laneway.cli.options import Namespace, Output, StateDir, Timeout, Wait

if TYPE_CHECKING:
    from laneway.cli.client import Client
    from laneway.local.status import Json, LaneStatus, Status

API_VERSION = "laneway.dev/v1alpha1"

Name = Annotated[str, typer.Argument(metavar="NAME", help="The lane's name.", show_default=False)]
Apps = Annotated[
    list[str] | None,
    typer.Option("--app", metavar="APP[=IMAGE]", help="App that the lane runs a version of; repeatable."),
]
Image = Annotated[
    str | None,
    typer.Option("--image", metavar="IMAGE", help="Image of the one app given.", show_default=False),
]
Env = Annotated[
    list[str] | None,
    typer.Option("--env", metavar="NAME=VALUE", help="Variable of each app given; repeatable."),
]
Ttl = Annotated[
    str | None,
    typer.Option(
        "--ttl", metavar="DURATION", help="How long after its creation the lane ends.", show_default="never"
    ),
]
Value = Annotated[
    str | None,
    typer.Option("--value", metavar="VALUE", help="The header's value.", show_default="the lane's name"),
]
IgnoreNotFound = Annotated[
    bool, typer.Option("--ignore-not-found", help="Exit code 0 where there is no such lane.")
]


def lane_up(
    name: Name,
    app: Apps = None,
    image: Image = None,
    env: Env = None,
    ttl: Ttl = None,
    value: Value = None,
    wait: Wait = False,
    timeout: Timeout = "2m",
    output: Output = None,
    namespace: Namespace = None,
    state: StateDir = None,
) -> None:
    """Make a lane, or change one.

    It runs the apps' stable versions with another image or other variables. Requests that carry the lane's
    header reach these versions, and the shared ones of every other app.
    """
    from laneway.cli import daemon
    from laneway.cli.apply import taken_up
    from laneway.cli.loading import send
    from laneway.cli.output import emit

    place, limit = options.state(state), options.duration(timeout, "--timeout")
    wanted = _wanted(app or [], image, env or [])
    settings = _settings(ttl, value)
    with daemon.connected(place) as client:
        status = client.status()
        space = _space(status, name, list(wanted), options.namespace(namespace))
        before = next(iter(client.objects("Lane", space, name)), None)
        if before is None and not wanted:
            raise typer.BadParameter(
                f"there is no lane {space}/{name} yet: say what it runs", param_hint="--app"
            )
        changes = send(client, [merged(before, space, name, wanted, settings)], "laneway lane up")
        status = taken_up(client, changes, wait, limit)
    lane = _lane(status, space, name)
    document = _document(status, lane)
    emit(options.output(output), document, table=lambda: _prose(document), names=[f"lane/{name}"])


def _wanted(apps: list[str], image: str | None, env: list[str]) -> dict[str, Json]:
    """What to run of each app. Usage errors: --image for more than one app, --env or --image for none."""
    pairs = [name.partition("=")[::2] for name in apps]
    bare = [name for name, own in pairs if not own]
    if image and len(bare) != 1:
        text = "--image is for one app; for several write --app APP=IMAGE"
        raise typer.BadParameter(text, param_hint="--image")
    if env and not apps:
        raise typer.BadParameter("say which app it is for", param_hint="--app")
    variables = [dict(zip(("name", "value"), options.pair(text, "--env"), strict=True)) for text in env]
    wanted: dict[str, Json] = {}
    for name, own in pairs:
        used = own or image
        wanted[name] = ({"image": used} if used else {}) | ({"env": variables} if variables else {})
    return wanted


def _settings(ttl: str | None, value: str | None) -> Json:
    if ttl is not None:
        options.duration(ttl, "--ttl")
    return {key: setting for key, setting in (("ttl", ttl), ("value", value)) if setting is not None}


def _space(status: Status, lane: str, apps: list[str], namespace: str | None) -> str:
    """The namespace of the lane: as asked, that of its apps, or that of the lane that is there."""
    from laneway.cli import finding

    if namespace:
        return namespace
    if not apps:
        return finding.lane(status, lane, None)["namespace"]
    found = {finding.app(status, app, None)["namespace"] for app in apps}
    if len(found) > 1:
        raise typer.BadParameter(f"the apps are in {', '.join(sorted(found))}: a lane is in one namespace")
    return found.pop()


def merged(before: Json | None, namespace: str, name: str, wanted: dict[str, Json], settings: Json) -> Json:
    """The Lane there is, or a new one, with these apps added or changed. Variables are merged by name."""
    metadata = before["metadata"] if before else {}
    spec: Json = dict(before["spec"]) if before else {}
    apps: dict[str, Json] = {app["name"]: dict(app) for app in spec.get("apps", [])}
    for app, changes in wanted.items():
        there = apps.setdefault(app, {"name": app})
        variables = {
            variable["name"]: variable for variable in (*there.get("env", ()), *changes.get("env", ()))
        }
        apps[app] = there | changes | ({"env": list(variables.values())} if variables else {})
    kept = {key: metadata[key] for key in ("labels", "annotations") if metadata.get(key)}
    return {
        "apiVersion": API_VERSION,
        "kind": "Lane",
        "metadata": {"name": name, "namespace": namespace} | kept,
        "spec": spec | settings | {"apps": list(apps.values())},
    }


def _lane(status: Status, namespace: str, name: str) -> LaneStatus:
    from laneway.cli import finding

    return finding.lane(status, name, namespace)


def _document(status: Status, lane: LaneStatus) -> Json:
    host = entry_host(status, lane)
    return {
        "lane": lane["name"],
        "namespace": lane["namespace"],
        "header": lane["header"],
        "url": status["ingress"],
        "host": host,
        "apps": [app["name"] for app in lane["apps"]],
        "ready": lane["ready"] and lane["confirmed"],
        "expiresAt": lane["expiresAt"],
    }


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
    apps = ", ".join(document["apps"]) or "no app"
    ready = "is ready" if document["ready"] else "is coming up"
    return f"lane {document['namespace']}/{document['lane']} {ready}; it runs {apps}\n  try   {curl}"


def lane_ls(output: Output = None, namespace: Namespace = None, state: StateDir = None) -> None:
    """List lanes: their header, what they run, when they end."""
    from laneway.cli import daemon
    from laneway.cli.output import emit, grid

    space = options.namespace(namespace)
    with daemon.connected(options.state(state)) as client:
        status = client.status()
    lanes = [lane for lane in status["lanes"] if space in (None, lane["namespace"])]
    emit(
        options.output(output),
        {"lanes": [_document(status, lane) for lane in lanes]},
        table=lambda: grid(
            ("namespace", "lane", "header", "apps", "ready", "ends", "owner"), map(_row, lanes)
        ),
        names=[f"lane/{lane['name']}" for lane in lanes],
    )


def _row(lane: LaneStatus) -> tuple[str, ...]:
    header = ", ".join(f"{name}: {value}" for name, value in lane["header"].items())
    apps = ", ".join(f"{app['name']}={app['image']}" for app in lane["apps"])
    ready = "yes" if lane["ready"] and lane["confirmed"] else "no"
    return (
        lane["namespace"],
        lane["name"],
        header,
        apps or "-",
        ready,
        lane["expiresAt"] or "-",
        lane["owner"] or "-",
    )


def lane_rm(
    name: Name,
    wait: Wait = False,
    timeout: Timeout = "2m",
    ignore_not_found: IgnoreNotFound = False,
    output: Output = None,
    namespace: Namespace = None,
    state: StateDir = None,
) -> None:
    """Remove a lane.

    Its requests go where those without its header go; its pods end when no request needs them.
    """
    from laneway.cli import daemon, finding
    from laneway.cli.failure import Failure
    from laneway.cli.output import emit
    from laneway.spec.problems import Code

    limit = options.duration(timeout, "--timeout")
    with daemon.connected(options.state(state)) as client:
        try:
            lane = finding.lane(client.status(), name, options.namespace(namespace))
        except Failure as failure:
            if ignore_not_found and failure.code is Code.NOT_FOUND:
                emit(
                    options.output(output), {"lane": name, "removed": False}, table=lambda: f"no lane {name}"
                )
                return
            raise
        space = lane["namespace"]
        changes = client.delete(
            [{"kind": "Lane", "namespace": space, "name": lane["name"]}],
            by=options.user(),
            reason="laneway lane rm",
        )
        if wait:
            _gone(client, space, lane["name"], changes["version"], limit)
    document = {"lane": lane["name"], "namespace": space, "removed": True}
    emit(
        options.output(output),
        document,
        table=lambda: f"lane {space}/{lane['name']} is removed",
        names=[f"lane/{lane['name']}"],
    )


def _gone(client: Client, namespace: str, name: str, version: int, limit: timedelta) -> None:
    """Wait until no proxy has a rule for the lane and none of its pods exists.

    Raises Failure when the time is over.
    """
    from laneway.cli import waiting
    from laneway.cli.failure import Failure
    from laneway.cli.output import Progress
    from laneway.spec.problems import Code

    progress, lines = Progress(), ["the controller has not taken the removal up"]
    for status in waiting.follow(client, limit):
        if status["observed"] < version:
            continue
        pods = [pod["metadata"]["name"] for pod in client.objects("Pod", namespace) if _of_lane(pod, name)]
        if not pods:
            return
        lines = [f"{len(pods)} pods of lane {namespace}/{name} still drain"]
        progress.show(lines)
    raise Failure(Code.TIME_OVER, "\n  ".join(["the lane is removed, but not everywhere in time:", *lines]))


def _of_lane(pod: dict[str, Any], lane: str) -> bool:
    return bool(pod["metadata"].get("labels", {}).get("laneway.dev/lane") == lane)
