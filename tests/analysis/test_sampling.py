"""Random counts: those of the distribution, by the probabilities that they are drawn with."""

from __future__ import annotations

from collections import Counter
from math import comb, sqrt
from random import Random

import pytest

from laneway.analysis.sampling import binomial, hypergeometric

RUNS = 20_000


@pytest.mark.parametrize(("n", "p"), [(10, 0.3), (50, 0.01), (7, 0.9)])
def test_binomial_counts_have_their_probabilities(n: int, p: float) -> None:
    """Each within 5 standard deviations."""
    generator = Random(1)
    found = Counter(binomial(generator, n, p) for _ in range(RUNS))
    for k in range(n + 1):
        expected = comb(n, k) * p**k * (1 - p) ** (n - k)
        assert abs(found[k] / RUNS - expected) < 5 * sqrt(expected / RUNS) + 1e-3


@pytest.mark.parametrize(("bad", "good", "drawn"), [(5, 20, 10), (12, 3, 9), (1, 99, 50)])
def test_hypergeometric_counts_have_their_probabilities(bad: int, good: int, drawn: int) -> None:
    """Each within 5 standard deviations."""
    generator = Random(2)
    found = Counter(hypergeometric(generator, bad, good, drawn) for _ in range(RUNS))
    for k in range(max(0, drawn - good), min(bad, drawn) + 1):
        expected = comb(bad, k) * comb(good, drawn - k) / comb(bad + good, drawn)
        assert abs(found[k] / RUNS - expected) < 5 * sqrt(expected / RUNS) + 1e-3


def test_large_counts_have_their_mean() -> None:
    """A million trials take no longer than their standard deviation."""
    generator = Random(3)
    assert binomial(generator, 1_000_000, 0.5) == pytest.approx(500_000, abs=3_000)
    assert hypergeometric(generator, 500_000, 500_000, 100_000) == pytest.approx(50_000, abs=1_000)


@pytest.mark.parametrize(("n", "p", "k"), [(0, 0.5, 0), (9, 0.0, 0), (9, 1.0, 9), (9, 1.5, 9)])
def test_what_is_certain_draws_nothing(n: int, p: float, k: int) -> None:
    """Nor fails."""
    assert binomial(Random(1), n, p) == k
    assert hypergeometric(Random(1), 0, 5, 3) == 0
    assert hypergeometric(Random(1), 5, 0, 3) == 3
