"""Real Envoys under the embedded mesh do what the table says."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.calls.answers import wrongs
from tests.calls.call import Row
from tests.calls.copies import copied, wanted
from tests.calls.embedded import Embedded, hosts_of, known
from tests.calls.rows import CALLERS, ROWS, name
from tests.calls.world import made

pytestmark = [pytest.mark.mesh, pytest.mark.anyio, pytest.mark.long]


@pytest.fixture(scope="module")
async def embedded() -> AsyncIterator[Embedded]:
    """The world, served; in a folder whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory() as folder:
        async with Embedded(Path(folder), made(), CALLERS) as running:
            yield running


@pytest.mark.parametrize("row", ROWS, ids=name)
async def test_envoys_do_what_the_table_says(embedded: Embedded, row: Row) -> None:
    assert wrongs(row.embedded, await embedded.answers(row)) == []


HOSTS = hosts_of(made())
DIALLED = [row for row in ROWS if known(row, HOSTS) and row.expect.status != 502]
"""Not from outside, and not to hosts or ports that the caller does not know: it has no address for them."""


@pytest.mark.parametrize("row", DIALLED, ids=name)
async def test_envoys_do_the_same_for_callers_that_dial_addresses(embedded: Embedded, row: Row) -> None:
    """As clients without a proxy setting do."""
    assert wrongs(row.expect, await embedded.answers_by_address(row)) == []


async def test_copies_go_where_the_table_says(embedded: Embedded) -> None:
    assert await copied(embedded) == wanted()
