"""`laneway get`: objects of any kind, those that people wrote and those that Laneway derives from them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from laneway.cli import options
from laneway.cli.options import Format

if TYPE_CHECKING:
    from rich.console import RenderableType

    from laneway.cli.client import Client
    from laneway.cli.tables import World
    from laneway.local.state import State
    from laneway.local.status import Json


@click.command(
    "get",
    epilog=options.example(
        "laneway get app", "laneway get vs,dr -n shop", "laneway get deploy pharmacy -o yaml"
    ),
)
@click.argument("kinds", metavar="KIND[,KIND…]", help="Long or short (app, deploy, svc, vs, po), or all.")
@click.argument("names", metavar="[NAME…]", nargs=-1, help="Only these.")
@options.output
@options.namespace
@options.state
def get(kinds: str, names: tuple[str, ...], output: Format, namespace: str | None, state: State) -> None:
    """List objects of any kind.

    Those that people wrote (app, lane, mesh, gw, se), and those that Laneway derives (rel, deploy, svc, vs,
    dr, po).
    """
    from laneway.cli import daemon, tables
    from laneway.cli.output import emit, listed, names_of

    wanted = [tables.kind_of(each) for each in kinds.split(",")]
    with daemon.connected(state) as client:
        found = {each: client.objects(each, namespace) for each in wanted}
        world = _world(client, namespace)
    objects = [
        obj for each in found.values() for obj in each if not names or obj["metadata"]["name"] in names
    ]
    _refuse_missing(kinds, names, objects)
    single = len(objects) == 1 and len(names) == 1
    emit(
        output,
        objects[0] if single else listed(objects),
        table=lambda: _tables(objects, world),
        names=names_of(objects),
    )


def _world(client: Client, namespace: str | None) -> World:
    from laneway.cli.tables import World

    apps, pods = client.objects("App", namespace), client.objects("Pod", namespace)
    return World(client.status(), apps, pods, datetime.now(UTC))


def _refuse_missing(kind: str, names: Sequence[str], objects: list[Json]) -> None:
    from laneway.cli.failure import Failure
    from laneway.spec.problems import Code

    there = {obj["metadata"]["name"] for obj in objects}
    if missing := [name for name in names if name not in there]:
        raise Failure(
            Code.NOT_FOUND, f"there is no {kind} {', '.join(missing)}", f"list them: laneway get {kind}"
        )


def _tables(objects: list[Json], world: World) -> RenderableType:
    from rich.console import Group

    from laneway.cli import tables
    from laneway.cli.output import grid

    kinds = list(dict.fromkeys(obj["kind"] for obj in objects))
    if not kinds:
        return "nothing found"
    parts: list[RenderableType] = []
    for kind in kinds:
        columns, row = tables.columns_of(kind)
        rows = [row(obj, world) for obj in objects if obj["kind"] == kind]
        parts += (
            ([kind] if len(kinds) > 1 else []) + [grid(columns, rows)] + ([""] if kind != kinds[-1] else [])
        )
    return Group(*parts)
