"""`laneway get`: objects of any kind, those that people wrote and those that Laneway derives from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from laneway.cli import options
from laneway.cli.options import Format

if TYPE_CHECKING:
    from rich.console import RenderableType

    from laneway.cli.engine import Engine
    from laneway.cli.places import Place
    from laneway.cli.tables import World
    from laneway.control.status import Json

GONE = "gone"
"""What stands in place of the age of an object that is watched no longer."""


@click.command(
    "get",
    epilog=options.example(
        "laneway get app",
        "laneway get vs,dr -n shop",
        "laneway get deploy pharmacy -o yaml",
        "laneway get po -w",
    ),
)
@click.argument("kinds", metavar="KIND[,KIND…]", help="Long or short (app, deploy, svc, vs, po), or all.")
@click.argument("names", metavar="[NAME…]", nargs=-1, help="Only these.")
@click.option("-w", "--watch", is_flag=True, help="Then print each one that changes, until Ctrl-C.")
@options.output
@options.namespace
@options.all_namespaces
@options.place
def get(
    kinds: str, names: tuple[str, ...], watch: bool, output: Format, namespace: str | None, place: Place
) -> None:
    """List objects of any kind.

    Those that people wrote (app, lane, mesh, gw, se), and those that Laneway derives (rel, deploy, svc, vs,
    dr, po). As JSON and YAML they have the defaults of what was left out.
    """
    from laneway.cli import places, tables

    wanted = [tables.kind_of(each) for each in kinds.split(",")]
    with places.connected(place) as client:
        look = Look(client, wanted, names, namespace)
        if watch:
            _watch(look, output)
        objects = look.objects()
        _refuse_missing(kinds, names, objects)
        _print(look, objects, output, single=len(objects) == 1 and len(names) == 1)


@dataclass(frozen=True, slots=True)
class Look:
    """What is asked for, and whom."""

    client: Engine
    kinds: Sequence[str]
    names: Sequence[str]
    namespace: str | None

    def objects(self) -> list[Json]:
        """Those there are."""
        from laneway.cli import tables

        found = [obj for each in self.kinds for obj in self.client.objects(each, self.namespace)]
        return [
            obj
            for obj in found
            if tables.is_listed(obj["kind"]) and (not self.names or obj["metadata"]["name"] in self.names)
        ]

    def world(self) -> World:
        """What tables show beside the objects."""
        from laneway.cli.tables import World

        apps, pods = (self.client.objects(kind, self.namespace) for kind in ("App", "Pod"))
        return World(self.client.status(), apps, pods, datetime.now(UTC))


def _print(look: Look, objects: list[Json], output: Format, *, single: bool) -> None:
    from laneway.cli.defaults import shown
    from laneway.cli.output import emit, listed, names_of

    whole = [shown(obj) for obj in objects] if output in {Format.JSON, Format.YAML} else objects
    emit(
        output,
        whole[0] if single else listed(whole),
        table=lambda: _tables(objects, look.world()),
        names=names_of(objects),
    )


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


def _watch(look: Look, output: Format) -> None:
    """Print what there is, then what becomes different, until interrupted."""
    from laneway.cli.waiting import BEAT_SECONDS

    seen: Mapping[_Ref, Seen] = {}
    version = -1
    while True:
        now = look_at(look, output)
        for line in changed_lines(seen, now):
            click.echo(line)
        seen, version = now, look.client.changed(version, BEAT_SECONDS)


_Ref = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """An object as it is printed. key: what is compared, without its age."""

    key: str
    line: str
    last: str


def look_at(look: Look, output: Format) -> dict[_Ref, Seen]:
    """Every object as a watch prints it."""
    objects, found = look.objects(), {}
    world = look.world() if output is Format.TABLE else None
    for obj in objects:
        ref = (obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
        found[ref] = _row(obj, world) if world else _document(obj, output)
    return found


def _row(obj: Json, world: World) -> Seen:
    from laneway.cli import tables

    *cells, age = tables.columns_of(obj["kind"])[1](obj, world)
    text = "   ".join([f"{obj['kind'].lower()}/{cells[1]}", *cells[2:]])
    return Seen(text, f"{text}   {age}", f"{text}   {GONE}")


def _document(obj: Json, output: Format) -> Seen:
    from laneway.cli.defaults import shown
    from laneway.cli.output import as_line

    name = f"{obj['kind'].lower()}/{obj['metadata']['name']}"
    line = as_line(output, shown(obj), text=name, name=name)
    return Seen(line, line, f"{name}   {GONE}" if line == name else "")


def changed_lines(before: Mapping[_Ref, Seen], now: Mapping[_Ref, Seen]) -> Iterator[str]:
    """What to print when the objects become these: each that is new or not the same, each that is gone."""
    for ref, seen in now.items():
        if ref not in before or before[ref].key != seen.key:
            yield seen.line
    for ref, seen in before.items():
        if ref not in now and seen.last:
            yield seen.last
