"""The traffic share: published stopping points, and weights that change."""

from __future__ import annotations

from itertools import pairwise
from math import exp, log

import numpy as np
import pytest

from laneway.analysis.share import NONE, Share, counted, evidence, likelihood, marginal


def published() -> list[tuple[list[float], np.ndarray]]:
    """savvi's README (0.1): its three examples draw from one generator, seeded with 1, in this order."""
    generator = np.random.RandomState(1)
    found = [([0.1, 0.4, 0.5], generator.multinomial(1, [0.1, 0.3, 0.6], size=1000))]
    rates = np.array([0.1, 0.3, 0.6]) * np.array([0.2, 0.3, 0.4])
    generator.multinomial(1, rates / rates.sum(), size=5250)
    rates = np.array([0.8, 0.2]) * np.exp([1.5, 2])
    found.append(([0.8, 0.2], generator.multinomial(1, rates / rates.sum(), size=1500)))
    return found


@pytest.mark.parametrize(
    ("example", "requests", "p"), [(0, 402, 0.04845591105969517), (1, 168, 0.04675270375081281)]
)
def test_it_stops_where_savvi_does(example: int, requests: int, p: float) -> None:
    """Sample ratio mismatch, and the canary's Poisson counts, at 5 %."""
    shares, drawn = published()[example]
    counts = np.zeros(len(shares), dtype=int)
    least = 1.0
    for index, one in enumerate(drawn, start=1):
        counts += one
        least = min(least, exp(likelihood(counts.tolist(), shares) - marginal(counts.tolist(), shares)))
        if least <= 0.05:
            assert index == requests
            assert least == pytest.approx(p, rel=1e-10)
            return
    pytest.fail("it never stops")


def test_it_is_confseqs_beta_binomial_mixture() -> None:
    """beta_binomial_log_mixture(10, 100, 100, 0.2, 0.8, 0.05, false) of its tests, -0.6941012 to 1e-5."""
    g, h, s, v = 0.2, 0.8, 10, 100
    requests = round(v / (g * h))
    successes = round(s + g * requests)
    rho = 100 / (2 * log(1 / 0.05) + log(1 + 2 * log(1 / 0.05)))
    concentration = (rho - g * h) / (g * h)
    counts, shares = (successes, requests - successes), (g, h)
    against = marginal(counts, shares, concentration) - likelihood(counts, shares)
    assert against == pytest.approx(-0.6941012, abs=1e-5)


def test_a_canary_that_gets_a_third_of_its_share_is_found() -> None:
    """200 of 10,000 requests at a weight of 5 %."""
    assert evidence(counted(NONE, 0.05, 200, 9_800, 0.2), 0.2) > log(100)


def test_a_tolerated_share_is_no_evidence_however_many_requests_there_are() -> None:
    """22 % instead of 20 % of a million requests."""
    assert evidence(counted(NONE, 0.2, 220_000, 780_000, 0.2), 0.2) < 0


def test_a_changed_weight_begins_anew_and_keeps_what_is_known() -> None:
    """At each weight the canary gets a half of it."""
    share = NONE
    found = [0.0]
    for weight in (0.1, 0.2, 0.4):
        share = counted(share, weight, round(500 * weight), round(1_000 - 500 * weight), 0.2)
        found.append(evidence(share, 0.2))
    assert all(later > earlier for earlier, later in pairwise(found))


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_the_whole_weight_and_none_are_not_tested(weight: float) -> None:
    """There is nothing to divide."""
    assert evidence(Share(0.0, weight, 10, 10), 0.2) == 0.0
