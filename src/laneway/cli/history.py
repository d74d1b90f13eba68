"""`laneway history` and `laneway logs`: what happened, and what replicas wrote."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from laneway.cli import options
from laneway.cli.options import Format

if TYPE_CHECKING:
    from laneway.local.state import State
    from laneway.local.status import Event


@click.command("history", epilog=options.example("laneway history pharmacy --since 1h"))
@options.any_app
@click.option("--since", metavar="TIME", help="Only later: a duration ago (10m), or an RFC 3339 time.")
@click.option("--limit", type=click.IntRange(1, 10_000), metavar="N", default=50, help="The newest so many.")
@options.output
@options.namespace
@options.state
def history(
    app: str | None, since: str | None, limit: int, output: Format, namespace: str | None, state: State
) -> None:
    """Print what happened, when, why, and who asked."""
    from laneway.cli import daemon, finding
    from laneway.cli.output import emit, grid

    moment = _moment(since, datetime.now(UTC)) if since else None
    with daemon.connected(state) as client:
        key = None
        if app:
            found = finding.app(client.status(), app, namespace)
            key = (found["namespace"], found["name"])
        events = client.history(key, since=moment, limit=limit)
    columns = ("time", "object", "change", "what", "why", "by")
    emit(
        output,
        {"events": events},
        table=lambda: grid(columns, map(_row, events)),
        names=[f"{event['kind'].lower()}/{event['name']}" for event in events],
    )


def _moment(text: str, now: datetime) -> str:
    """A duration ago, or a time, as RFC 3339. A usage error where it is neither."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = now - options.DURATION.convert(text, None, click.get_current_context())
    return (moment if moment.tzinfo else moment.astimezone()).isoformat()


def _row(event: Event) -> tuple[str, ...]:
    at = datetime.fromisoformat(event["at"]).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    subject = f"{event['kind']} {event['namespace']}/{event['name']}"
    return (at, subject, event["change"], event["message"], event["reason"], event["by"] or "-")


@click.command(
    "logs", epilog=options.example("laneway logs pharmacy -f", "laneway logs shop/pharmacy --tail 20")
)
@options.app
@click.option("-f", "--follow", is_flag=True, help="Go on with the lines to come.")
@click.option(
    "--tail", type=click.IntRange(0), metavar="N", default=100, help="The last so many lines of each pod."
)
@options.output
@options.namespace
@options.state
def logs(app: str, follow: bool, tail: int, output: Format, namespace: str | None, state: State) -> None:
    """Print what the pods of an app wrote.

    Those of its lanes too. With -o json, one JSON object for each line.
    """
    from laneway.cli import daemon, finding

    with daemon.connected(state) as client:
        found = finding.runs(client.status(), app, namespace)
        for line in client.logs(found["namespace"], found["name"], tail=tail, follow=follow):
            click.echo(json.dumps(line) if output is Format.JSON else f"{line['pod']}  {line['line']}")
