"""The whole table."""

from __future__ import annotations

from tests.calls.call import INGRESS, Row
from tests.calls.table import differences, lanes, outside, releases, rules

ROWS = (*lanes.ROWS, *releases.ROWS, *rules.ROWS, *outside.ROWS, *differences.ROWS)


def name(row: Row) -> str:
    """A row in the name of a test."""
    return f"{row.rule} {row.id}".replace(" ", "-").replace(":", "")


FIRST_CALLERS = frozenset(row.call.caller for row in ROWS) - {INGRESS}
"""The versions that make calls of their own accord."""


def callers() -> list[str]:
    """The versions that make calls, or make one onward."""
    onward = {
        member for row in ROWS if row.call.onward for share in row.expect.to for member in share.members
    }
    return sorted(FIRST_CALLERS | onward)


CALLERS = callers()
