"""The walker behind `laneway explain` tells what the table says."""

from __future__ import annotations

import pytest
from tests.calls.call import Row
from tests.calls.outcome import differences
from tests.calls.rows import ROWS, name
from tests.calls.rule_walk import Walker, walker
from tests.calls.world import made


@pytest.fixture(scope="module")
def walked() -> Walker:
    """The world's objects, read once."""
    return walker(made())


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_the_walker_tells_what_the_table_says(walked: Walker, row: Row) -> None:
    assert differences(row.embedded, walked.outcome(row.call)) == []
