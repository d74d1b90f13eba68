"""Prints results, as JSON, YAML, names or a table, on standard output; prose on standard error."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from laneway.cli.options import Format

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from laneway.control.status import Json

PIPE_COLUMNS = 1_000
"""Width of tables that no terminal shows: nothing is cut or wrapped."""

PAUSE_SECONDS = 1.0
"""Between lines of progress: what lasts shorter than this is not worth a line."""


def emit(
    form: Format, document: Any, *, table: Callable[[], RenderableType], names: Iterable[str] = ()
) -> None:
    """Print a result in the form asked for. table: makes the table, or text, for people."""
    match form:
        case Format.JSON:
            click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        case Format.YAML:
            click.echo(as_yaml(document), nl=False)
        case Format.NAME:
            for name in names:
                click.echo(name)
        case Format.TABLE:
            show(table())


def as_yaml(document: Any) -> str:
    """A document as YAML, keys in their own order."""
    import yaml

    class Plain(yaml.SafeDumper):
        """Writes a value that occurs twice twice, not as an alias."""

        def ignore_aliases(self, data: object) -> bool:
            return True

    return yaml.dump(document, Dumper=Plain, sort_keys=False, allow_unicode=True, width=PIPE_COLUMNS)


def listed(objects: Sequence[Json]) -> Json:
    """Objects as one Kubernetes List."""
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}


def names_of(objects: Iterable[Json]) -> list[str]:
    """Objects as `kind/name`."""
    return [f"{obj['kind'].lower()}/{obj['metadata']['name']}" for obj in objects]


def show(what: RenderableType) -> None:
    """Print text, or something of rich's, on standard output."""
    if isinstance(what, str):
        click.echo(what)
        return
    from rich.console import Console

    console = Console(
        width=None if sys.stdout.isatty() else PIPE_COLUMNS, highlight=False, markup=False, soft_wrap=False
    )
    with console.capture() as captured:
        console.print(what)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())


def grid(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table without lines, as kubectl prints them."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column.upper(), overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def listing(columns: Sequence[str], rows: Iterable[Sequence[str]], *, nothing: str) -> RenderableType:
    """A table, or where it has no row what to say instead."""
    filled = list(rows)
    return grid(columns, filled) if filled else nothing


def as_line(form: Format, document: Any, *, text: str, name: str) -> str:
    """One of many results that are printed one by one: a line, or with YAML a document of a stream."""
    match form:
        case Format.JSON:
            return json.dumps(document, ensure_ascii=False)
        case Format.YAML:
            return f"---\n{as_yaml(document)}".rstrip("\n")
        case Format.NAME:
            return name
        case Format.TABLE:
            return text


def say(text: str) -> None:
    """Prose for people, on standard error."""
    click.echo(text, err=True)


def counted(number: int, noun: str) -> str:
    """A number of things: `1 pod`, `2 pods`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


class Progress:
    """Says what is being waited for: each line once until it goes away, and new ones at most once a pause.

    clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = clock() + PAUSE_SECONDS
        self._last: frozenset[str] = frozenset()

    def show(self, lines: Sequence[str]) -> None:
        """Print those lines that were not there the last time."""
        if self._clock() < self._next:
            return
        for line in lines:
            if line not in self._last:
                say(f"  {line}")
        self._last = frozenset(lines)
        self._next = self._clock() + PAUSE_SECONDS
