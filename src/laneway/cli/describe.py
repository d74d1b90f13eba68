"""`laneway describe`: all that is known about one object, on one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from laneway.cli import options
from laneway.cli.options import Format

if TYPE_CHECKING:
    from rich.console import RenderableType

    from laneway.cli.client import Pods
    from laneway.cli.engine import Engine
    from laneway.cli.places import Place
    from laneway.control.status import Event, Json, Status

EVENTS = 10
LOG_LINES = 10


@dataclass(frozen=True, slots=True)
class About:
    """What is known about an object. pods: that are its own; logs: the last lines of a pod."""

    obj: Json
    status: Status
    pods: Sequence[Json]
    events: Sequence[Event]
    logs: Sequence[str] = ()

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name, the former empty for an object of a whole cluster."""
        return self.obj["metadata"].get("namespace", ""), self.obj["metadata"]["name"]

    @property
    def findings(self) -> list[str]:
        """The report's lines about it."""
        from laneway.cli import waiting

        return waiting.why(self.status, [self.key])

    def written(self) -> Json:
        """All of it as JSON values. state: its part of the status, None where it has none."""
        return {
            "object": self.obj,
            "state": _state(self.obj, self.status),
            "pods": [pod["metadata"]["name"] for pod in self.pods],
            "findings": self.findings,
            "events": list(self.events),
            "logs": list(self.logs),
        }


@click.command(
    "describe", epilog=options.example("laneway describe pharmacy", "laneway describe lane green -n shop")
)
@click.argument(
    "words",
    metavar="[KIND] NAME",
    nargs=-1,
    required=True,
    help="A kind, long or short; else an app, or a Deployment outside any app. NAME or NAMESPACE/NAME.",
)
@options.output
@options.namespace
@options.place
def describe(words: tuple[str, ...], output: Format, namespace: str | None, place: Place) -> None:
    """Show what is known about one object.

    What it says with its defaults, where it stands and why, its pods, and what happened to it last.
    """
    from laneway.cli import places
    from laneway.cli.output import emit

    if len(words) > 2:
        raise click.BadParameter("name one object", param_hint="NAME")
    with places.connected(place, words[-1]) as client:
        kind, name = words if len(words) == 2 else (_kind(client, words[0], namespace), words[0])
        about = _about(client, kind, name, namespace)
    metadata = about.obj["metadata"]
    emit(
        output,
        about.written(),
        table=lambda: page(about),
        names=[f"{about.obj['kind'].lower()}/{metadata['name']}"],
    )


def _kind(client: Engine, named: str, namespace: str | None) -> str:
    """Whether a name alone is an app's or a Deployment's. Raises Failure where it is none's."""
    from laneway.cli import finding

    status = client.status()
    return "app" if finding.runs(status, named, namespace) in status["apps"] else "deployment"


def _about(client: Engine, kind: str, named: str, namespace: str | None) -> About:
    from laneway.api.selection import PodQuery
    from laneway.cli import defaults, finding, tables
    from laneway.cli.pod_body import PodBody

    wanted = tables.kind_of(kind)
    space, name = finding.split(named, namespace)
    obj = finding.single(
        [o for o in client.objects(wanted, space) if o["metadata"]["name"] == name], wanted, name
    )
    space = obj["metadata"].get("namespace", "")
    meant = {"App": "app", "Lane": "lane", "Deployment": "deployment", "Pod": "pod"}.get(obj["kind"])
    pods: list[Json] = []
    if meant:
        query = PodQuery(namespace=space, **{meant: name})
        pods = [pod for pod in client.objects("Pod", space) if query.matches(PodBody(pod))]
    asked: dict[str, Any] = {"app": name} if obj["kind"] == "App" else {"kind": obj["kind"], "name": name}
    mine: Pods = {"namespace": space, "pod": name}
    logs = [line["line"] for line in client.logs(mine, tail=LOG_LINES)] if meant == "pod" else []
    events = client.history(namespace=space or None, limit=EVENTS, **asked)
    return About(defaults.shown(obj), client.status(), pods, events, logs)


def page(about: About) -> RenderableType:
    """The page for people."""
    from rich.console import Group

    from laneway.cli.output import as_yaml, grid

    obj = about.obj
    parts: list[RenderableType] = [*_head(obj), *_section("spec", as_yaml(obj.get("spec", _data(obj))))]
    if (state := _state(obj, about.status)) is not None:
        parts += _section("state", as_yaml(state))
    if obj["kind"] != "Pod" and about.pods:
        rows = [(pod["metadata"]["name"], *_pod(pod)) for pod in about.pods]
        parts += [
            "",
            "pods",
            grid(("  name", "stage", "restarts", "address"), [(f"  {n}", *r) for n, *r in rows]),
        ]
    for title, lines in (("report", about.findings), ("logs", about.logs)):
        if lines:
            parts += ["", title, *(f"  {line}" for line in lines)]
    if about.events:
        parts += ["", "events", *(f"  {_event(event)}" for event in about.events)]
    return Group(*parts)


def _head(obj: Json) -> list[str]:
    metadata = obj["metadata"]
    space = metadata.get("namespace")
    lines = [f"{obj['kind']} {f'{space}/' if space else ''}{metadata['name']}"]
    if created := metadata.get("creationTimestamp"):
        lines.append(f"created      {created}, generation {metadata.get('generation', 1)}")
    for field in ("labels", "annotations"):
        pairs = [f"{name}: {value}" for name, value in metadata.get(field, {}).items()]
        lines += [f"{field if not index else '':12} {pair}" for index, pair in enumerate(pairs)]
    return lines


def _section(title: str, text: str) -> list[str]:
    return ["", title, *(f"  {line}" for line in text.splitlines())]


def _data(obj: Json) -> Json:
    """What an object without a spec says. Of a Secret only which names there are."""
    data = obj.get("data", {})
    if obj["kind"] != "Secret":
        return {"data": data}
    return {"data": {name: f"{len(value)} characters" for name, value in data.items()}}


def _state(obj: Json, status: Status) -> Any:
    """The object's part of the status, without what names it; else its own status.

    Of a Release of several apps a list, with a part for each.
    """
    parts: dict[str, Sequence[Any]] = {
        "App": status["apps"],
        "Lane": status["lanes"],
        "Release": status["releases"],
        "Deployment": status["workloads"],
    }
    metadata = obj["metadata"]
    found = [
        {field: value for field, value in part.items() if field not in {"namespace", "name"}}
        for part in parts.get(obj["kind"], ())
        if (part["namespace"], part["name"]) == (metadata.get("namespace", ""), metadata["name"])
    ]
    return found if len(found) > 1 else found[0] if found else obj.get("status")


def _pod(pod: Json) -> tuple[str, ...]:
    from laneway.cli.pod_body import PodBody

    found = PodBody(pod)
    return found.stage, str(found.restarts), found.address


def _event(event: Event) -> str:
    at = datetime.fromisoformat(event["at"]).astimezone().strftime("%H:%M:%S")
    parts = (at, f"{event['kind']} {event['name']}", event["change"], event["message"], event["reason"])
    return "  ".join(part for part in parts if part)
