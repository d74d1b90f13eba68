"""Bets on counts: in expectation nobody gains from them while the null hypothesis holds."""

from __future__ import annotations

from math import comb, exp, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laneway.analysis import bets
from laneway.analysis.configuration import Margin
from laneway.analysis.mixture import log_mean

MARGINS = (Margin(1, 0), Margin(1.1, 0.0005), Margin(1.25, 0.0025), Margin(2, 0), Margin(1, 0.05))


def binomial(n: int, p: float) -> list[float]:
    """All probabilities."""
    return [comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


def expected(bet: bets.Bet, canary: int, stable: int, p_canary: float, p_stable: float) -> float:
    """E[e], exactly: the sum over all that can be counted."""
    a, b, fixed = bet
    of_canary = sum(p * exp(a * k) for k, p in enumerate(binomial(canary, p_canary)))
    of_stable = sum(p * exp(b * k) for k, p in enumerate(binomial(stable, p_stable)))
    return exp(fixed) * of_canary * of_stable


GRID = [(n, m, p) for n in (1, 3, 20) for m in (1, 7, 60) for p in (0.0, 0.001, 0.01, 0.1, 0.5, 0.9)]


@pytest.mark.parametrize("margin", MARGINS)
def test_no_bet_on_worse_gains_while_the_canary_is_tolerable(margin: Margin) -> None:
    """At the margin, where the null hypothesis is hardest; p up to 1."""
    for canary, stable, p in GRID:
        at = min(1.0, margin.ratio * p + margin.plus)
        for bet in bets.on_worse(canary, stable, margin):
            assert expected(bet, canary, stable, at, p) <= 1 + 1e-12


@pytest.mark.parametrize("margin", MARGINS)
def test_no_bet_on_acceptable_gains_while_the_canary_is_refused(margin: Margin) -> None:
    """Also without any request of stable."""
    for canary, stable, p in [*GRID, (20, 0, 0.0), (3, 0, 0.1)]:
        at = margin.ratio * p + margin.plus
        if at <= 1:
            for bet in bets.on_acceptable(canary, stable, margin):
                assert expected(bet, canary, stable, at, p) <= 1 + 1e-12


probabilities = st.floats(0, 1)
margins = st.builds(Margin, st.floats(0.5, 4), st.floats(0, 0.5))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 25), st.integers(1, 25), probabilities, probabilities), max_size=5),
    margins,
)
def test_the_mixture_is_a_supermartingale_whatever_stable_and_the_weights_do(
    ticks: list[tuple[int, int, float, float]], margin: Margin
) -> None:
    """Stable's rate and the requests change at every tick; the canary's rate is anywhere below the margin."""
    products = [0.0] * len(bets.TIMES_WORSE)
    for canary, stable, p, part in ticks:
        at = part * min(1.0, margin.ratio * p + margin.plus)
        for index, bet in enumerate(bets.on_worse(canary, stable, margin)):
            products[index] += log(expected(bet, canary, stable, at, p))
    assert log_mean(products) <= 1e-9


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 6), st.floats(0, 0.3), margins)
def test_dispersion_makes_bets_of_clusters_fair(
    cluster: int, canary: int, stable: int, p: float, margin: Margin
) -> None:
    """Requests that fail together, `cluster` at a time, weigh as much as one."""
    at = min(1.0, margin.ratio * p + margin.plus)
    for a, b, fixed in bets.on_worse(canary * cluster, stable * cluster, margin):
        bet = (a, b, fixed / cluster)  # of a cluster, `cluster` failures at 1 / phi each
        assert expected(bet, canary, stable, at, p) <= 1 + 1e-12


def test_without_an_arm_there_is_nothing_to_bet_on() -> None:
    """A canary without requests says nothing, stable without requests leaves nothing to compare with."""
    assert not bets.on_worse(0, 10, Margin())
    assert not bets.on_worse(10, 0, Margin())
    assert not bets.on_acceptable(0, 10, Margin())


def test_the_test_of_lindon_and_malek_is_a_case_of_it() -> None:
    """ratio 1, plus 0: the likelihood ratio of the canary's part of all failures, a binomial."""
    canary, stable, bad_canary, bad_stable = 300, 1200, 9, 12
    null = canary / (canary + stable)
    for times, (a, b, fixed) in zip(bets.TIMES_WORSE, bets.on_worse(canary, stable, Margin()), strict=True):
        alternative = times * canary / (times * canary + stable)
        ratio = bad_canary * log(alternative / null) + bad_stable * log((1 - alternative) / (1 - null))
        assert fixed == 0
        assert a * bad_canary + b * bad_stable == pytest.approx(ratio, abs=1e-12)
