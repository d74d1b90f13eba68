"""`laneway lane rebase`: a lane's versions are made anew of what is stable now."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from laneway.cli import options
from laneway.cli.options import Format

if TYPE_CHECKING:
    from laneway.cli.places import Place


@click.command("rebase", epilog=options.example("laneway lane rebase green --wait"))
@click.argument("name", metavar="NAME", help="The lane's name.")
@options.wait
@options.timeout("2m")
@options.reason
@options.output
@options.namespace
@options.place
def lane_rebase(
    name: str,
    wait: bool,
    limit: timedelta,
    reason: str,
    output: Format,
    namespace: str | None,
    place: Place,
) -> None:
    """Make a lane's versions of the apps' stable templates as they are now.

    A lane keeps the templates that it was made of: a release of an app never changes it.
    """
    from laneway.cli import finding, loading, places, promotion
    from laneway.cli.apply import taken_up
    from laneway.cli.output import emit

    with places.connected(place, name) as client:
        status = client.status()
        found = finding.lane_of(status, name, namespace)
        (before,) = client.objects("Lane", found["namespace"], found["name"])
        changes = loading.send_objects(
            client, [promotion.rebased(before, status)], reason or "laneway lane rebase"
        )
        status = taken_up(client, changes, wait, limit)
    moved = promotion.tested_on_another(found, status)
    document = {"name": found["name"], "namespace": found["namespace"], "rebased": len(moved)}
    text = f"lane {found['namespace']}/{found['name']} is made of what is stable now"
    emit(output, document, table=lambda: "\n".join([text, *moved]), names=[f"lane/{found['name']}"])
