"""`laneway top`: what apps and pods use now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from laneway.cli import options
from laneway.cli.options import Format

if TYPE_CHECKING:
    from laneway.cli.engine import Engine
    from laneway.cli.places import Place
    from laneway.control.status import Json, PodUsage, Replicas, Status

_MEASURES = ("cpu", "memory", "requestsPerSecond")


@click.command("top", epilog=options.example("laneway top", "laneway top pods -n shop -w"))
@click.argument(
    "what", type=click.Choice(["apps", "pods"]), default="apps", required=False, metavar="[apps|pods]",
    help="Versions of apps, or single pods.",
)  # fmt: skip
@click.option("-w", "--watch", is_flag=True, help="Again and again, until Ctrl-C.")
@options.output
@options.namespace
@options.all_namespaces
@options.place
def top(what: str, watch: bool, output: Format, namespace: str | None, place: Place) -> None:
    """Show CPU, memory and requests per second, measured over one second.

    CPU is in cores and counts all processes of the application, not its sidecar; requests are those that the
    sidecar handed to it.
    """
    from laneway.cli import places

    with places.connected(place) as client:
        _print(client, what, output, namespace)
        while watch:
            click.echo()
            _print(client, what, output, namespace)


def _print(client: Engine, what: str, output: Format, namespace: str | None) -> None:
    from laneway.cli.output import emit, listed, listing
    from laneway.cli.overview import within

    usage = client.usage(namespace)
    items = pod_items(usage) if what == "pods" else app_items(within(client.status(), namespace), usage)
    columns = [name for name in items[0] if name not in _MEASURES] if items else ["namespace", "name"]
    heads = [*(name.lower() for name in columns), "cpu", "memory", "requests/s"]
    emit(
        output,
        listed(items),
        table=lambda: listing(heads, [row(item, columns) for item in items], nothing="no pods"),
        names=[f"{what.removesuffix('s')}/{item['name']}" for item in items],
    )


def row(item: Json, columns: Sequence[str]) -> tuple[str, ...]:
    """An item as a table shows it: `-` for what is not known."""
    cpu, memory, requests = (item[name] for name in _MEASURES)
    return (
        *("-" if item[name] in (None, "") else str(item[name]) for name in columns),
        "-" if cpu is None else f"{round(cpu * 1000)}m",
        "-" if memory is None else f"{memory / 2**20:.0f}Mi",
        "-" if requests is None else f"{requests:.1f}",
    )


def pod_items(usage: Sequence[PodUsage]) -> list[Json]:
    """One item for each pod."""
    return [
        {
            "namespace": each["namespace"],
            "name": each["name"],
            "app": each["app"] or each["deployment"],
            "version": each["lane"] or each["revision"],
        }
        | {measure: each[measure] for measure in _MEASURES}  # type: ignore[literal-required]
        for each in usage
    ]


def app_items(status: Status, usage: Sequence[PodUsage]) -> list[Json]:
    """One item for each version with pods, each app of a lane, and each Deployment outside any App."""
    items = []
    for app in status["apps"]:
        for version in app["versions"]:
            if version["replicas"]["pods"] or version["replicas"]["wanted"]:
                mine = _of(usage, app["namespace"], app=app["name"], revision=version["revision"], lane="")
                named = app["namespace"], app["name"], version["revision"]
                items.append(_item(*named, version["weight"], version["replicas"], mine))
    for lane in status["lanes"]:
        for part in lane["apps"]:
            mine = _of(usage, lane["namespace"], app=part["name"], lane=lane["name"])
            named = lane["namespace"], part["name"], f"lane {lane['name']}"
            items.append(_item(*named, None, part["replicas"], mine))
    for workload in status["workloads"]:
        mine = _of(usage, workload["namespace"], deployment=workload["name"])
        items.append(_item(workload["namespace"], workload["name"], "", None, workload["replicas"], mine))
    return items


def _of(usage: Iterable[PodUsage], namespace: str, **named: str) -> list[PodUsage]:
    given = {"namespace": namespace} | named
    return [each for each in usage if all(each[name] == value for name, value in given.items())]  # type: ignore[literal-required]


def _item(
    namespace: str,
    name: str,
    version: str,
    weight: float | None,
    replicas: Replicas,
    pods: Sequence[PodUsage],
) -> Json:
    item: Json = {"namespace": namespace, "name": name, "version": version, "weight": weight}
    item |= {"desired": replicas["wanted"], "available": replicas["ready"]}
    for measure in _MEASURES:
        known = [each[measure] for each in pods if each[measure] is not None]  # type: ignore[literal-required]
        item[measure] = sum(known) if known else None
    return item
