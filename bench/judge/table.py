"""Tables of figures as text. Must not know what they are about."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median


def shown(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with its title; the first column to the left, the others to the right."""
    widths = [max(len(row[index]) for row in (heads, *rows)) for index in range(len(heads))]
    lines = [_line(row, widths) for row in (heads, *rows)]
    return "\n".join(["", title, lines[0], "-" * len(lines[0]), *lines[1:]])


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.ljust(width) if index == 0 else cell.rjust(width)
        for index, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join([first, *others])


def share(hits: int, of: int) -> str:
    """Hits as a percentage."""
    return f"{100 * hits / of:.1f} %" if of else "-"


def minutes(found: Sequence[float]) -> str:
    """Their median."""
    return f"{median(found):.2f}" if found else "-"


def number(found: Sequence[float]) -> str:
    """Their median as a whole number."""
    return f"{median(found):,.0f}" if found else "-"


def hits(found: Sequence[float], of: int) -> str:
    """How many of these ended so, and at which minute."""
    return share(len(found), of) + (f" @{minutes(found)}" if found else "")
