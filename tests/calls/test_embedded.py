"""Real Envoys under the embedded mesh do what the table says."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.calls.answers import wrongs
from tests.calls.call import Row
from tests.calls.embedded import Embedded
from tests.calls.rows import CALLERS, ROWS, copied, name
from tests.calls.world import made

pytestmark = [pytest.mark.mesh, pytest.mark.anyio]


@pytest.fixture(scope="module")
async def embedded() -> AsyncIterator[Embedded]:
    """The world, served; in a folder whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory() as folder:
        async with Embedded(Path(folder), made(), CALLERS) as running:
            yield running


@pytest.mark.parametrize("row", ROWS, ids=name)
async def test_envoys_do_what_the_table_says(embedded: Embedded, row: Row) -> None:
    assert wrongs(row.expect, await embedded.answers(row)) == []


async def test_copies_go_where_the_table_says(embedded: Embedded) -> None:
    """The last call is copied, and nothing but what is to be copied has come before it."""
    for row in ROWS:
        if row.call.path.endswith("/audited"):
            await embedded.answers(row)
    async with asyncio.timeout(10):
        while not copied("audit:1") <= set(embedded.calls("audit:1")):
            await asyncio.sleep(0.01)
    own = {
        row.id for row in ROWS if "audit:1" in {member for each in row.expect.to for member in each.members}
    }
    assert set(embedded.calls("audit:1")) - own == copied("audit:1")
