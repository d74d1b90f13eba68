"""Who gets copies of calls, asked of those who get them. Must not know how calls are made."""

from __future__ import annotations

from typing import Protocol

from tests.calls.asking import Answer
from tests.calls.call import Row
from tests.calls.rows import ROWS
from tests.lab.waiting import until

COPIER = "audit:1"
"""The one that the world's rules mirror to."""

MARK = "once: "


class Executor(Protocol):
    """Makes calls, and knows what they were remembered by."""

    async def answers(self, row: Row, mark: str = "") -> list[Answer]:
        """What comes back for the call of a row. mark: what it is remembered by."""

    async def calls(self, version: str) -> list[str]:
        """What the requests that a version got are remembered by."""


async def copied(executor: Executor) -> set[str]:
    """The rows of which copies came: of all whose paths are of a rule with a mirror.

    Those that are to be copied are called last, and waited for: by then any other copy has come.
    """
    about = [row for row in ROWS if row.call.path.endswith("/audited")]
    for row in sorted(about, key=lambda row: bool(row.expect.copies)):
        await executor.answers(row, MARK + row.id)

    async def all_there() -> bool:
        return wanted() <= await _marked(executor)

    await until(all_there, "the copies have come")
    return await _marked(executor)


def wanted() -> set[str]:
    """The rows of which copies are to come."""
    return {row.id for row in ROWS if COPIER in row.expect.copies}


async def _marked(executor: Executor) -> set[str]:
    found = await executor.calls(COPIER)
    return {mark.removeprefix(MARK) for mark in found if mark.startswith(MARK)}
