"""The bound on the excess: a confidence sequence, from sums that are kept whatever the bound is."""

from __future__ import annotations

from math import sqrt
from random import Random

import pytest
from tests.analysis.reading import counts

from laneway.analysis.bets import BOLDNESS, on_acceptable, placed
from laneway.analysis.configuration import Margin, Metric
from laneway.analysis.counting import counted, fresh, upper_bound
from laneway.analysis.mixture import log_mean
from laneway.analysis.sampling import binomial
from laneway.analysis.state import CountState

ERRORS = Metric("errors")


def after(seed: int, p: float, canary_p: float, ticks: int) -> list[CountState]:
    """A state after each tick."""
    generator = Random(seed)
    found = [fresh(ERRORS)]
    for _ in range(ticks):
        reading = counts(200, binomial(generator, 200, canary_p), 800, binomial(generator, 800, p))
        found.append(counted(ERRORS, found[-1], reading))
    return found[1:]


def test_the_bound_is_the_least_excess_that_is_excluded() -> None:
    """There the evidence against it, computed with that margin from the start, is 1 / beta."""
    generator = Random(1)
    state, logs = fresh(ERRORS), []
    for _ in range(30):
        reading = counts(200, binomial(generator, 200, 0.01), 800, binomial(generator, 800, 0.01))
        logs.append(reading)
        state = counted(ERRORS, state, reading)
    bound = upper_bound(state, 0.05)
    assert bound is not None
    members: tuple[float, ...] = (0.0,) * len(BOLDNESS)
    for reading in logs:
        bets = on_acceptable(reading.canary.requests, reading.stable.requests, Margin(1.0, bound))
        members = placed(members, bets, reading.canary.bad[0], reading.stable.bad[0], 1.0)
    assert log_mean(members) == pytest.approx(2.9957, abs=1e-3)


def test_the_bound_holds_at_all_times() -> None:
    """Of 300 canaries with an excess of 1 %, it is ever less for 5 % at most: 34 are 5 deviations off."""
    broken = 0
    for seed in range(300):
        bounds = [upper_bound(state, 0.05) for state in after(seed, 0.01, 0.02, 20)[::4]]
        broken += any(bound is not None and bound < 0.01 for bound in bounds)
    assert broken <= 300 * 0.05 + 5 * sqrt(300 * 0.05 * 0.95)


def test_without_requests_everything_is_possible() -> None:
    """And with more of them less is."""
    assert upper_bound(fresh(ERRORS), 0.05) == 1.0
    bounds = [upper_bound(state, 0.05) or 0.0 for state in after(3, 0.01, 0.01, 40)]
    assert bounds[0] > bounds[9] > bounds[39] > 0
