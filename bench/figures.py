"""A measured figure, and how it is printed. Must not know what is measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """One line: what was measured, its value with spread, what it should be, and what a peer has."""

    what: str
    value: str
    aim: str = ""
    met: bool | None = None
    peer: str = ""

    def line(self, width: int) -> str:
        """The figure as text, with its name in a column of this width."""
        aim = f"aim {self.aim}: {'met' if self.met else 'MISSED'}" if self.aim else ""
        return f"  {self.what:<{width}}  {self.value:<36}  {aim:<20}  {self.peer}".rstrip()


def spread(samples: Iterable[float], unit: str, digits: int = 1) -> str:
    """Median and range of repeated measurements."""
    found = sorted(samples)
    return (
        f"{median(found):,.{digits}f} {unit} ({found[0]:,.{digits}f}-{found[-1]:,.{digits}f}, n={len(found)})"
    )
