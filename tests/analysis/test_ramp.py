"""The adaptive ramp: weight times what cannot be excluded is within the budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laneway.analysis.ramp import Ramp, weight


@pytest.mark.parametrize(
    ("bound", "expected"), [(None, 0.01), (1.0, 0.01), (0.01, 0.05), (0.002, 0.25), (0.001, 0.5), (0.0, 0.5)]
)
def test_the_weight_is_the_budget_over_the_bound(bound: float | None, expected: float) -> None:
    """Within its limits."""
    assert weight(Ramp(budget=0.0005, start=0.01, to=0.5), bound) == pytest.approx(expected)


@given(st.floats(0, 1))
def test_beyond_its_start_it_spends_no_more_than_the_budget(bound: float) -> None:
    """Whatever the excess is, as long as it is within the bound."""
    ramp = Ramp()
    found = weight(ramp, bound)
    assert found == ramp.start or found * bound <= ramp.budget * (1 + 1e-9)


@pytest.mark.parametrize("fields", [{"budget": 0}, {"start": 0.6}, {"to": 1.1}])
def test_a_ramp_that_makes_no_sense_is_refused(fields: dict[str, float]) -> None:
    """Before anything is released with it."""
    with pytest.raises(ValueError, match="a ramp needs"):
        Ramp(**fields)
