"""`laneway history`, `laneway events` and `laneway logs`: what happened, and what replicas wrote."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from laneway.cli import options
from laneway.cli.options import Format

if TYPE_CHECKING:
    from laneway.cli.engine import Engine
    from laneway.cli.places import Place
    from laneway.control.status import Event

LIMIT_MAX = 10_000


@click.command("history", epilog=options.example("laneway history pharmacy --since 1h"))
@options.any_app
@click.option("--since", metavar="TIME", help="Only later: a duration ago (10m), or an RFC 3339 time.")
@click.option(
    "--limit", type=click.IntRange(1, LIMIT_MAX), metavar="N", default=50, help="The newest so many."
)
@options.output
@options.namespace
@options.all_namespaces
@options.place
def history(
    app: str | None, since: str | None, limit: int, output: Format, namespace: str | None, place: Place
) -> None:
    """Print what happened, when, why, and who asked."""
    from laneway.cli import finding, places
    from laneway.cli.output import emit, listing

    moment = _moment(since, datetime.now(UTC)) if since else None
    with places.connected(place, app) as client:
        space, name = None, None
        if app:
            found = finding.app(client.status(), app, namespace)
            space, name = found["namespace"], found["name"]
        events = client.history(namespace=space, app=name, since=moment, limit=limit)
    columns = ("time", "object", "change", "message", "reason", "by")
    emit(
        output,
        {"events": events},
        table=lambda: listing(columns, map(_row, events), nothing="nothing found"),
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
    "events",
    epilog=options.example(
        "laneway events -f", "laneway events po pharmacy-7d9f4c-x2x9z", "laneway events po"
    ),
)
@click.argument("kind", metavar="[KIND", required=False, help="Of objects of this kind, long or short.")
@click.argument("name", metavar="NAME]", required=False, help="Of this object alone.")
@click.option("--lane", metavar="NAME", help="Of this lane and what it deploys.")
@click.option("-f", "--follow", is_flag=True, help="Go on with those to come.")
@click.option(
    "--tail", type=click.IntRange(0, LIMIT_MAX), metavar="N", default=20, help="The newest so many."
)
@options.output
@options.namespace
@options.all_namespaces
@options.place
def events(
    kind: str | None,
    name: str | None,
    lane: str | None,
    follow: bool,
    tail: int,
    output: Format,
    namespace: str | None,
    place: Place,
) -> None:
    """Print what happens to objects of any kind, line by line.

    With -o json, one JSON object for each line. The history of one app in one table: laneway history APP
    """
    from laneway.cli import places, tables

    asked = {
        "namespace": namespace,
        "lane": lane,
        "name": name,
        "kind": tables.kind_of(kind) if kind else None,
    }
    if asked["kind"] == tables.ALL:
        asked["kind"] = None
    with places.connected(place) as client:
        last = 0
        found = client.history(**asked, limit=max(1, tail))
        for event in found if tail else ():
            click.echo(_line(event, output))
        last = found[-1]["id"] if found else 0
        while follow:
            last = _print_new(client, asked, last, output)


def _print_new(client: Engine, asked: dict[str, str | None], last: int, output: Format) -> int:
    """Print what has happened since the event of id `last`, or wait a moment. Returns the newest id."""
    from laneway.cli.waiting import BEAT_SECONDS

    version = client.status()["version"]
    new = client.history(**asked, after=last, limit=LIMIT_MAX)
    for event in new:
        click.echo(_line(event, output))
    if not new:
        client.changed(version, BEAT_SECONDS)
    return new[-1]["id"] if new else last


def _line(event: Event, output: Format) -> str:
    from laneway.cli.output import as_line

    text = "  ".join(part for part in _row(event)[:5] if part)
    return as_line(output, event, text=text, name=f"{event['kind'].lower()}/{event['name']}")


@click.command(
    "logs",
    epilog=options.example(
        "laneway logs pharmacy -f", "laneway logs -f --lane green", "laneway logs pharmacy --revision 7d9f4c"
    ),
)
@options.any_app
@options.which_pods
@click.option("--proxy", is_flag=True, help="What their sidecars wrote instead.")
@click.option("-f", "--follow", is_flag=True, help="Go on with the lines to come, of new pods too.")
@click.option(
    "--tail", type=click.IntRange(0), metavar="N", default=100, help="The last so many lines of each pod."
)
@options.output
@options.namespace
@options.all_namespaces
@options.place
def logs(
    app: str | None,
    lane: str,
    revision: str,
    pod: str,
    proxy: bool,
    follow: bool,
    tail: int,
    output: Format,
    namespace: str | None,
    place: Place,
) -> None:
    """Print what pods wrote: of everything, or of an app with its lanes.

    With -o json, one JSON object for each line.
    """
    from laneway.cli import finding, places
    from laneway.cli.output import as_line, say

    with places.connected(place, app) as client:
        pods = finding.pods(client.status(), app, namespace, lane=lane, revision=revision, pod=pod)
        part = "sidecar" if proxy else "app"
        silent = True
        for line in client.logs(pods, part=part, tail=tail, follow=follow):
            silent = False
            text, name = f"{line['pod']}  {line['line']}", f"pod/{line['pod']}"
            click.echo(as_line(output, line, text=text, name=name))
    if silent and tail:
        say("none of these pods has written anything")
