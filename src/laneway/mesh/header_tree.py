"""Rows that differ in one header's exact value, arranged so that a proxy finds the value's rows by hash.

A list of a thousand lanes costs a proxy two thirds of its throughput, the tree nothing (measured). It means
what the list means: a branch keeps, in order, all rows that can match under its value. Must not know Envoy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from laneway.mesh.conditions import Condition, Op
from laneway.mesh.rules import Row

VALUES_MIN = 2
"""Fewer values of a header are not worth a tree."""
EXPANSION_MAX = 4
"""A tree may hold this many times the list's rows, as rows without the header are repeated in branches."""


@dataclass(frozen=True, slots=True)
class HeaderTree:
    """branches: what is tried where the header has exactly this value; rest: where it has another or none."""

    header: str
    branches: dict[str, tuple[Row, ...]]
    rest: tuple[Row, ...]


def tree_of(rows: Sequence[Row]) -> HeaderTree | None:
    """The tree over the header with the most exact values; None where a list does as well."""
    header, values = _header(rows)
    if len(values) < VALUES_MIN:
        return None
    branches = {value: tuple(_branch(rows, header, value)) for value in values}
    if sum(map(len, branches.values())) > EXPANSION_MAX * len(rows):
        return None
    return HeaderTree(header, branches, tuple(row for row in rows if value_of(row, header) is None))


def value_of(row: Row, header: str) -> str | None:
    """The value without which a row cannot match; None where there is none, or only the empty one."""
    return next((value for subject, value in _values(row) if subject == header), None)


def _values(row: Row) -> Iterator[tuple[str, str]]:
    """Headers with the exact values that a row wants of them, the empty one left out."""
    for condition in row.conditions:
        if condition.op is Op.EXACT and condition.value and condition.names_header and not condition.inverted:
            yield condition.subject, condition.value


def _header(rows: Sequence[Row]) -> tuple[str, list[str]]:
    values: dict[str, dict[str, None]] = {}
    for row in rows:
        for header, value in _values(row):
            values.setdefault(header, {})[value] = None
    counts = Counter({header: len(found) for header, found in values.items()})
    most = counts.most_common(1)[0][0] if counts else ""
    return most, list(values.get(most, ()))


def _branch(rows: Sequence[Row], header: str, value: str) -> Iterator[Row]:
    """The rows that can match where the header has the value, up to the first that then always does."""
    for row in rows:
        if value_of(row, header) in {None, value}:
            yield row
            if ends(row, header, value):
                return


def ends(row: Row, header: str, value: str) -> bool:
    """Whether every request whose header has the value stops at the row."""
    return all(
        condition.always or condition == Condition(header, Op.EXACT, value) for condition in row.conditions
    )
