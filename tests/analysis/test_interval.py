"""Intervals of shares, beside published ones."""

from __future__ import annotations

import pytest

from laneway.analysis.interval import at_least, interval


@pytest.mark.parametrize(
    ("found", "runs", "low", "high"),
    [(0, 10, 0.0, 0.3085), (10, 10, 0.6915, 1.0), (4, 20, 0.0573, 0.4366), (1, 200, 0.000127, 0.02754)],
)
def test_an_interval_is_that_of_clopper_and_pearson(found: int, runs: int, low: float, high: float) -> None:
    """As R's binom.test has them."""
    assert list(interval(found, runs)) == pytest.approx([low, high], abs=1e-4)


def test_none_of_many_has_the_rule_of_three() -> None:
    """With a half of the doubt on each side: -ln(0.025) / runs."""
    assert interval(0, 1000)[1] == pytest.approx(3.689 / 1000, rel=0.01)


def test_a_tail_is_a_probability() -> None:
    """At the ends too."""
    assert [at_least(found, 5, p) for found, p in ((0, 0.3), (1, 0.0), (5, 1.0))] == [1.0, 0.0, 1.0]
    assert at_least(1, 2, 0.5) == pytest.approx(0.75)
