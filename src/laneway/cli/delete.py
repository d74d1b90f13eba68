"""`laneway delete`: takes back what was applied. What Laneway derived from it goes along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from laneway.cli import options
from laneway.cli.options import Format

if TYPE_CHECKING:
    from laneway.cli.engine import Engine
    from laneway.cli.places import Place
    from laneway.cli.pod_body import PodBody
    from laneway.control.status import Change, Changes, Reference


LANE = "laneway.dev/lane"
"""Label of a lane's pods."""


@click.command(
    "delete",
    epilog=options.example("laneway delete -f pharmacy.yaml --wait", "laneway delete app pharmacy -n shop"),
)
@click.argument("kind", metavar="[KIND", required=False, help="Long or short, as for get.")
@click.argument("names", metavar="NAME…]", nargs=-1, help="NAME or NAMESPACE/NAME.")
@options.files
@options.recursive
@click.option("--ignore-not-found", is_flag=True, help="Succeed where an object that is named is not there.")
@click.option("--wait", is_flag=True, help="Return when its pods are gone and every proxy has confirmed.")
@options.timeout("2m")
@options.reason
@options.output
@options.namespace
@options.place
def delete(
    kind: str | None,
    names: tuple[str, ...],
    paths: tuple[str, ...],
    recursive: bool,
    ignore_not_found: bool,
    wait: bool,
    limit: timedelta,
    reason: str,
    output: Format,
    namespace: str | None,
    place: Place,
) -> None:
    """Delete objects: those of files, or by kind and name.

    All of them, or nothing where the rest needs one of them. What Laneway derived goes along; pods finish
    their requests. Objects of files that are not there are passed over.
    """
    from laneway.cli import places, tables
    from laneway.cli.output import emit, grid

    if bool(paths) == bool(kind):
        raise click.BadParameter("say what to delete: -f PATH, or KIND NAME", param_hint="KIND")
    if kind and not names:
        raise click.BadParameter("say which", param_hint="NAME")
    of_files = [] if kind else _of_files(paths, recursive, namespace, place)
    spaces = [f"{each['namespace']}/" for each in of_files]
    with places.connected(place, *names, *spaces) as client:
        meant = of_files
        if kind:
            meant = _named(client, tables.kind_of(kind), names, namespace, ignore_not_found)
        changes = _delete(client, meant, reason)
        if wait:
            _gone(client, changes, limit)
    gone = changes["objects"]
    emit(
        output,
        {"objects": gone},
        table=lambda: (
            grid(("kind", "namespace", "name", "operation"), [_row(each) for each in gone])
            if gone
            else "nothing was there to delete"
        ),
        names=[f"{each['kind'].lower()}/{each['name']}" for each in gone],
    )


def _row(change: Change) -> tuple[str, ...]:
    return change["kind"], change["namespace"], change["name"], change["operation"]


def _of_files(paths: Sequence[str], recursive: bool, namespace: str | None, place: Place) -> list[Reference]:
    from laneway.cli import loading
    from laneway.spec.meta import key_of

    batch = loading.load_files(paths, recursive, namespace, place)
    found: list[Reference] = []
    for body in batch.objects():
        key = key_of(body)
        found.append({"kind": body["kind"], "namespace": key.namespace, "name": key.name})
        if batch.bodies is not None:
            found[-1]["apiVersion"] = body["apiVersion"]
    return found


def _named(
    client: Engine, kind: str, names: Sequence[str], namespace: str | None, ignore_not_found: bool
) -> list[Reference]:
    """The objects of these names, each in the one namespace that has it. Raises Failure."""
    from laneway.cli import finding
    from laneway.cli.failure import Failure
    from laneway.spec.problems import Code

    found: list[Reference] = []
    for named in names:
        space, name = finding.split(named, namespace)
        there = [obj for obj in client.objects(kind, space) if obj["metadata"]["name"] == name]
        try:
            obj = finding.single(there, kind, name)
        except Failure as failure:
            if ignore_not_found and failure.code is Code.NOT_FOUND:
                continue
            raise
        found.append({"kind": kind, "namespace": obj["metadata"].get("namespace", ""), "name": name})
    return found


def _delete(client: Engine, meant: Sequence[Reference], reason: str) -> Changes:
    """Delete them. Raises ProblemsFailure where the rest needs one, Failure where one is not people's."""
    from laneway.cli.client import ApiError
    from laneway.cli.failure import ProblemsFailure
    from laneway.cli.loading import HTTP_UNPROCESSABLE

    try:
        return client.delete(meant, by=options.user(), reason=reason or "laneway delete")
    except ApiError as error:
        if error.status == HTTP_UNPROCESSABLE:
            raise ProblemsFailure(error.problems) from None
        raise


def _ends(pod: PodBody, changes: Changes) -> bool:
    """Whether a pod has still to go: those of lanes always do; what becomes of an App's, the App says."""
    from laneway.cli.pod_body import DRAINING

    lanes = {(each["namespace"], each["name"]) for each in changes["objects"] if each["kind"] == "Lane"}
    of_lane = (pod.key.namespace, pod.labels.get(LANE, "")) in lanes
    return pod.stage == DRAINING or of_lane


def _left(client: Engine, changes: Changes) -> Iterator[tuple[str, str]]:
    """Objects that are held back until what belongs to them has ended."""
    for each in changes["objects"] if client.on_cluster else ():
        if client.objects(each["kind"], each["namespace"], each["name"]):
            yield each["kind"], f"{each['namespace']}/{each['name']}"


def _gone(client: Engine, changes: Changes, limit: timedelta) -> None:
    """Return when no pod drains any more, and proxies know. Raises Failure when the time is over."""
    from laneway.cli import waiting
    from laneway.cli.failure import Failure
    from laneway.cli.output import Progress
    from laneway.cli.pod_body import PodBody
    from laneway.spec.problems import Code

    progress, lines = Progress(), ["the controller has not taken the changes up"]
    for status in waiting.follow(client, limit):
        if status["observed"] < changes["version"]:
            continue
        pods = [pod for pod in map(PodBody, client.objects("Pod")) if _ends(pod, changes)]
        lines = [f"pod {pod.key.name} finishes its requests" for pod in pods]
        lines += [f"{kind} {name} is still there" for kind, name in _left(client, changes)]
        lines += waiting.laggards(status)
        if not lines:
            return
        progress.show(lines)
    raise Failure(Code.TIME_OVER, "\n  ".join(["deleted, but not gone everywhere in time:", *lines]))
