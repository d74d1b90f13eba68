"""The table covers the design's section on routing."""

from __future__ import annotations

import pytest
from tests.calls.rows import ROWS

RULES = [f"R{number}" for number in range(1, 11)]


def test_there_are_many_calls_and_each_has_its_name() -> None:
    """Sixty at least."""
    assert len(ROWS) >= 60
    assert len({row.id for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_a_call_and_a_near_miss(rule: str) -> None:
    """What it does, and what it does not."""
    assert {row.near for row in ROWS if row.rule == rule} == {True, False}
