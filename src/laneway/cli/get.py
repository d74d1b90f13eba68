"""`laneway get`: objects of any kind, those that people wrote and those that Laneway derives from them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from laneway.cli import options
from laneway.cli.options import Namespace, Output, StateDir

if TYPE_CHECKING:
    from rich.console import RenderableType

    from laneway.local.status import Json, Status

Kinds = Annotated[
    str,
    typer.Argument(metavar="KIND[,KIND…]", help="Kinds, long or short (app, deploy, svc, vs, po), or all."),
]
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME…]", help="Only these.", show_default=False)]


def get(
    kind: Kinds,
    name: Names = None,
    output: Output = None,
    namespace: Namespace = None,
    state: StateDir = None,
) -> None:
    """List objects of any kind.

    Those that people wrote (app, lane, mesh, gw, se), and those that Laneway derives (rel, deploy, svc, vs,
    dr, po).
    """
    from laneway.cli import daemon, tables
    from laneway.cli.output import emit, listed, names_of

    kinds = [tables.kind_of(each) for each in kind.split(",")]
    space = options.namespace(namespace)
    with daemon.connected(options.state(state)) as client:
        found = {each: client.objects(each, space) for each in kinds}
        status = client.status()
    objects = [obj for each in found.values() for obj in each if not name or obj["metadata"]["name"] in name]
    _refuse_missing(kind, name or [], objects)
    single = len(objects) == 1 and name is not None and len(name) == 1
    emit(
        options.output(output),
        objects[0] if single else listed(objects),
        table=lambda: _tables(objects, status),
        names=names_of(objects),
    )


def _refuse_missing(kind: str, names: list[str], objects: list[Json]) -> None:
    from laneway.cli.failure import Failure
    from laneway.spec.problems import Code

    there = {obj["metadata"]["name"] for obj in objects}
    if missing := [name for name in names if name not in there]:
        raise Failure(
            Code.NOT_FOUND, f"there is no {kind} {', '.join(missing)}", f"list them: laneway get {kind}"
        )


def _tables(objects: list[Json], status: Status) -> RenderableType:
    from rich.console import Group

    from laneway.cli import tables
    from laneway.cli.output import grid

    now = datetime.now(UTC)
    kinds = list(dict.fromkeys(obj["kind"] for obj in objects))
    if not kinds:
        return "nothing found"
    parts: list[RenderableType] = []
    for kind in kinds:
        columns, row = tables.columns_of(kind)
        rows = [row(obj, status, now) for obj in objects if obj["kind"] == kind]
        parts += (
            ([kind] if len(kinds) > 1 else []) + [grid(columns, rows)] + ([""] if kind != kinds[-1] else [])
        )
    return Group(*parts)
