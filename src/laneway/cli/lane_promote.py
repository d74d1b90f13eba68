"""`laneway lane promote`: a tested lane becomes a release of the same images and variables."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from laneway.cli import options
from laneway.cli.options import Format

if TYPE_CHECKING:
    from laneway.local.state import State


@click.command("promote", epilog=options.example("laneway lane promote green --wait --delete"))
@click.argument("name", metavar="NAME", help="The lane's name.")
@click.option("--delete", is_flag=True, help="Remove the lane once its release is promoted; with --wait.")
@options.wait
@options.timeout("5m")
@options.output
@options.namespace
@options.state
def lane_promote(
    name: str,
    delete: bool,
    wait: bool,
    limit: timedelta,
    output: Format,
    namespace: str | None,
    state: State,
) -> None:
    """Release what a lane runs: its images and variables become the templates of its apps.

    Several apps go in one release. The release says which lane it came from; the lane stays. With --wait the
    exit code is that of `release wait`.
    """
    from laneway.cli import daemon, finding, loading, promotion, together
    from laneway.cli.apply import taken_up
    from laneway.cli.output import say
    from laneway.cli.release import Exit, follow, print_release
    from laneway.local.status import Reference
    from laneway.spec.lane import Lane
    from laneway.spec.meta import Key

    if delete and not wait:
        raise click.BadParameter("wait for the promotion: --wait", param_hint="--delete")
    with daemon.connected(state) as client:
        status = client.status()
        found = finding.lane_of(status, name, namespace)
        stored = loading.of_people(client)
        lane = next(
            obj
            for obj in loading.parsed(stored)
            if isinstance(obj, Lane) and obj.key == (found["namespace"], found["name"])
        )
        for text in promotion.tested_on_another(found, status):
            say(f"warning: {text}")
        objects = promotion.templates(lane, stored)
        revisions = together.changed(loading.parsed(stored), loading.parsed(objects), status)
        keys = [Key(lane.metadata.namespace, app.name) for app in lane.spec.apps]
        own = {key: revisions[key] for key in keys if key in revisions}
        taken = {obj["metadata"]["name"] for obj in stored if obj["kind"] == "Release"}
        release = together.release_of(
            together.free_name(f"lane-{lane.metadata.name}", taken),
            own,
            promotion.evidence(lane, options.user()),
        )
        reason = f"promoted from lane {lane.metadata.name}"
        changes = loading.send_objects(client, [*objects, release], reason)
        status = taken_up(client, changes, wait=False, limit=limit)
        app = release["spec"]["apps"][0]["name"]
        begun, code = (
            finding.release(status, lane.metadata.namespace, release["metadata"]["name"], app),
            Exit.PROMOTED,
        )
        if wait and begun:
            begun, code = follow(client, begun, limit)
        if delete and begun and begun["phase"] == "Promoted":
            gone = Reference(kind="Lane", namespace=lane.metadata.namespace, name=lane.metadata.name)
            client.delete([gone], by=options.user(), reason=f"{begun['name']} is promoted")
    print_release(output, begun)
    click.get_current_context().exit(code)
