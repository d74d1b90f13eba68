"""`laneway history` and `laneway logs`: what happened, and what replicas wrote."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from laneway.cli import options
from laneway.cli.options import Format, Namespace, Output, StateDir

if TYPE_CHECKING:
    from laneway.local.status import Event

AnyApp = Annotated[
    str | None,
    typer.Argument(metavar="[APP]", help="Only this app: NAME or NAMESPACE/NAME.", show_default=False),
]
App = Annotated[
    str, typer.Argument(metavar="APP", help="An app: NAME or NAMESPACE/NAME.", show_default=False)
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="TIME", help="Only after this: a duration ago (10m), or an RFC 3339 time."
    ),
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="The newest so many.")]
Follow = Annotated[bool, typer.Option("-f", "--follow", help="Go on with the lines to come.")]
Tail = Annotated[int, typer.Option("--tail", min=0, help="The last so many lines of each pod.")]


def history(
    app: AnyApp = None,
    since: Since = None,
    limit: Limit = 50,
    output: Output = None,
    namespace: Namespace = None,
    state: StateDir = None,
) -> None:
    """Print what happened, when, why, and who asked."""
    from laneway.cli import daemon, finding
    from laneway.cli.output import emit, grid

    moment = _moment(since, datetime.now(UTC)) if since else None
    with daemon.connected(options.state(state)) as client:
        key = None
        if app:
            found = finding.app(client.status(), app, options.namespace(namespace))
            key = (found["namespace"], found["name"])
        events = client.history(key, since=moment, limit=limit)
    columns = ("time", "object", "change", "what", "why", "by")
    emit(
        options.output(output),
        {"events": events},
        table=lambda: grid(columns, map(_row, events)),
        names=[f"{event['kind'].lower()}/{event['name']}" for event in events],
    )


def _moment(text: str, now: datetime) -> str:
    """A duration ago, or a time, as RFC 3339. A usage error where it is neither."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = now - options.duration(text, "--since")
    return (moment if moment.tzinfo else moment.astimezone()).isoformat()


def _row(event: Event) -> tuple[str, ...]:
    at = datetime.fromisoformat(event["at"]).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    subject = f"{event['kind']} {event['namespace']}/{event['name']}"
    return (at, subject, event["change"], event["message"], event["reason"], event["by"] or "-")


def logs(
    app: App,
    follow: Follow = False,
    tail: Tail = 100,
    output: Output = None,
    namespace: Namespace = None,
    state: StateDir = None,
) -> None:
    """Print what the pods of an app wrote.

    Those of its lanes too. With -o json, one JSON object for each line.
    """
    from laneway.cli import daemon, finding

    form = options.output(output)
    with daemon.connected(options.state(state)) as client:
        found = finding.app(client.status(), app, options.namespace(namespace))
        for line in client.logs(found["namespace"], found["name"], tail=tail, follow=follow):
            typer.echo(json.dumps(line) if form is Format.JSON else f"{line['pod']}  {line['line']}")
