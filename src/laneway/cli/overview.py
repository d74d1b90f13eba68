"""`laneway status`: everything at one moment, on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from laneway.cli import options
from laneway.cli.options import Format

if TYPE_CHECKING:
    from rich.console import RenderableType

    from laneway.cli.places import Place
    from laneway.control.status import AppStatus, LaneStatus, ReleaseStatus, Status


@click.command("status", epilog=options.example("laneway status", "laneway status -n shop -o json"))
@options.output
@options.namespace
@options.all_namespaces
@options.place
def status(output: Format, namespace: str | None, place: Place) -> None:
    """Show apps, lanes and releases, and why they stay where they are."""
    from laneway.cli import places
    from laneway.cli.output import emit

    with places.connected(place) as client:
        found = within(client.status(), namespace)
    emit(
        output,
        found,
        table=lambda: _screen(found),
        names=[f"app/{app['name']}" for app in found["apps"]]
        + [f"lane/{lane['name']}" for lane in found["lanes"]],
    )


def within(status: Status, namespace: str | None) -> Status:
    """The part of a status that is about one namespace; all of it for None."""
    if namespace is None:
        return status
    part = status.copy()
    part["apps"] = [each for each in status["apps"] if each["namespace"] == namespace]
    part["workloads"] = [each for each in status["workloads"] if each["namespace"] == namespace]
    part["lanes"] = [each for each in status["lanes"] if each["namespace"] == namespace]
    part["releases"] = [each for each in status["releases"] if each["namespace"] == namespace]
    part["findings"] = [each for each in status["findings"] if each["namespace"] in (namespace, "")]
    return part


def _screen(status: Status) -> RenderableType:
    from rich.console import Group

    from laneway.cli import tables, waiting
    from laneway.cli.output import grid

    parts: list[RenderableType] = [f"ingress {', '.join(status['urls']) or '-'}", *_proxies(status)]
    if status["apps"]:
        columns = ("namespace", "app", "revision", "role", "image", "weight", "served", "pods")
        parts += ["", grid(columns, [row for app in status["apps"] for row in _versions(app)])]
    elif not status["workloads"]:
        parts += ["", "nothing is applied here yet: laneway apply -f PATH"]
    if status["workloads"]:
        rows = [(w["namespace"], w["name"], tables.pods(w["replicas"])) for w in status["workloads"]]
        parts += ["", grid(("namespace", "deployment", "pods"), rows)]
    if status["lanes"]:
        parts += [
            "",
            grid(("namespace", "lane", "header", "apps", "ready", "ends"), map(_lane, status["lanes"])),
        ]
    running = [release for release in status["releases"] if release["finishedAt"] is None]
    if running:
        parts += [
            "",
            grid(("namespace", "app", "release", "phase", "step", "weight"), map(_release, running)),
        ]
    if lines := waiting.why(status):
        parts += ["", *lines]
    return Group(*parts)


def _proxies(status: Status) -> list[str]:
    """How many have confirmed; nothing where they are not counted."""
    from laneway.cli import waiting

    proxies = status["proxies"]
    late = waiting.laggards(status)
    if late or not proxies["total"]:
        return late
    return [f"proxies {proxies['confirmed']} of {proxies['total']} confirmed"]


def _versions(app: AppStatus) -> list[tuple[str, ...]]:
    from laneway.cli import tables

    shown = [
        v
        for v in app["versions"]
        if v["weight"] or v["served"] or v["replicas"]["pods"] or v["replicas"]["wanted"]
    ]
    return [
        (
            app["namespace"], app["name"], v["revision"], v["role"], v["image"] or "-",
            f"{v['weight']:g}%", "-" if v["served"] is None else f"{v['served']:g}%",
            tables.pods(v["replicas"]),
        )
        for v in shown
    ]  # fmt: skip


def _lane(lane: LaneStatus) -> tuple[str, ...]:
    from laneway.cli import tables

    return (lane["namespace"], lane["name"], *tables.lane_cells(lane))


def _release(release: ReleaseStatus) -> tuple[str, ...]:
    from laneway.cli import tables

    named = (release["namespace"], release["app"], release["name"])
    return (*named, release["phase"], tables.step(release), f"{release['weight']:g}%")
