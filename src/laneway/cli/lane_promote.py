"""`laneway lane promote`: a tested lane becomes a release of the same images and variables."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from laneway.cli import options
from laneway.cli.options import Format

if TYPE_CHECKING:
    from laneway.cli.engine import Engine
    from laneway.cli.places import Place
    from laneway.control.status import Json, LaneStatus, ReleaseStatus, Status


@click.command("promote", epilog=options.example("laneway lane promote green --wait --delete"))
@click.argument("name", metavar="NAME", help="The lane's name.")
@click.option("--delete", is_flag=True, help="Remove the lane once its release is promoted; with --wait.")
@options.wait_for_end
@options.timeout("5m")
@options.reason
@options.output
@options.namespace
@options.place
def lane_promote(
    name: str,
    delete: bool,
    wait: bool,
    limit: timedelta,
    reason: str,
    output: Format,
    namespace: str | None,
    place: Place,
) -> None:
    """Release what a lane runs: its images and variables become the templates of its apps.

    Several apps go in one release. The release says which lane it came from; the lane stays. With --wait the
    exit code is that of `release wait`.
    """
    from laneway.cli import finding, loading, places
    from laneway.cli.apply import taken_up
    from laneway.cli.output import say
    from laneway.cli.release import TAKEN_UP, Exit, follow, print_release

    if delete and not wait:
        raise click.BadParameter("wait for the promotion: --wait", param_hint="--delete")
    with places.connected(place, name) as client:
        status = client.status()
        lane = finding.lane_of(status, name, namespace)
        objects, release = _promotion(client, status, lane)
        changes = loading.send_objects(client, objects, reason or f"promoted from lane {lane['name']}")
        taken_up(client, changes, wait=False, limit=limit)
        begun, code = _begun(client, release, limit if wait else TAKEN_UP), Exit.PROMOTED
        if begun is None:
            say(f"release {release['metadata']['name']} has not begun yet: laneway release status")
            code = Exit.TIMEOUT if wait else code
        elif wait:
            begun, code = follow(client, begun, limit)
            if delete and code is Exit.PROMOTED:
                _remove(client, lane, f"{begun['name']} is promoted")
    print_release(output, begun)
    click.get_current_context().exit(code)


def _promotion(client: Engine, status: Status, found: LaneStatus) -> tuple[list[Json], Json]:
    """The templates and the Release to apply, and the Release by itself.

    Says where a lane was tested on another version than the stable one.
    """
    from laneway.cli import loading, promotion, together
    from laneway.cli.output import say
    from laneway.spec.meta import Key

    key = Key(found["namespace"], found["name"])
    stored = loading.of_people(client)
    before = loading.spec(client, stored, ())
    lane = before.lanes[key]
    for text in promotion.tested_on_another(found, status):
        say(f"warning: {text}")
    templates = promotion.templates(lane, stored)
    revisions = together.changed(loading.spec(client, stored, client.trial(templates, whole=False)), status)
    mine = [Key(key.namespace, app.name) for app in lane.spec.apps]  # in their order: the first one leads
    taken = {obj["metadata"]["name"] for obj in stored if obj["kind"] == "Release"}
    release = together.release_of(
        together.free_name(f"lane-{key.name}", taken),
        {app: revisions[app] for app in mine if app in revisions},
        promotion.evidence(lane, options.user()),
    )
    return [*templates, release], release


def _begun(client: Engine, release: Json, limit: timedelta) -> ReleaseStatus | None:
    """The first app's part of a release, as soon as it begins: after those of its apps that still run."""
    from laneway.cli import finding, waiting

    metadata, app = release["metadata"], release["spec"]["apps"][0]["name"]
    for status in waiting.follow(client, limit):
        if begun := finding.release(status, metadata["namespace"], metadata["name"], app):
            return begun
    return None


def _remove(client: Engine, lane: LaneStatus, reason: str) -> None:
    from laneway.control.status import Reference

    gone = Reference(kind="Lane", namespace=lane["namespace"], name=lane["name"])
    client.delete([gone], by=options.user(), reason=reason)
