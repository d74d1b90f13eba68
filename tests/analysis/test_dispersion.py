"""Dispersion: estimated from stable's pods, whatever their rate does."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from laneway.analysis.dispersion import Scatter, observed, phi, pod_ratio
from laneway.analysis.sampling import binomial
from laneway.analysis.tick import Arm


def scatter(draw: Callable[[Random, int, int], int], ticks: int = 1_500) -> Scatter:
    """Of four pods with 200 requests a tick, or half as many."""
    generator = Random(6)
    found = Scatter()
    for index in range(ticks):
        pods = [Arm(n, (draw(generator, n, index),)) for n in (200, 200, 100, 100)]
        found = observed(found, pods)
    return found


def test_independent_failures_have_a_dispersion_of_one() -> None:
    """Also while an outage multiplies their rate."""
    found = scatter(lambda generator, n, index: binomial(generator, n, 0.01 if index % 100 else 0.4))
    assert found.squares / found.freedom == pytest.approx(1, abs=0.1)


def test_it_is_one_where_most_requests_are_bad_too() -> None:
    """Half of them are slower than most edges of latency; drawn without replacement they scatter less."""
    found = scatter(lambda generator, n, index: binomial(generator, n, 0.6))
    assert found.squares / found.freedom == pytest.approx(1, abs=0.1)


def test_bursts_that_fall_on_one_pod_have_their_size() -> None:
    """Five requests fail together."""
    found = scatter(lambda generator, n, index: 5 * binomial(generator, n // 5, 0.01))
    assert phi(found, 1.0) == pytest.approx(5, abs=0.7)


def test_it_is_never_below_what_is_assumed() -> None:
    """Nor below 1, where pods happen to agree."""
    agreed = Scatter(squares=5.0, freedom=40)
    assert phi(agreed, 1.0) == 1.0
    assert phi(agreed, 3.0) == 3.0


def test_before_pods_have_failed_they_are_not_taken_to_be_independent() -> None:
    """A canary's first burst would else look like many failures. Without pods nothing is assumed."""
    assert phi(Scatter(), 1.0, pods=4) == 3.0
    assert phi(Scatter(), 1.0, pods=1) == 1.0
    assert phi(Scatter(), 2.0) == 2.0


@pytest.mark.parametrize(
    "pods", [[], [Arm(100, (5,))], [Arm(100, (0,)), Arm(100, (0,))], [Arm(5, (5,)), Arm(5, (5,))]]
)
def test_what_does_not_vary_says_nothing(pods: list[Arm]) -> None:
    """One pod, no failure, nothing but failures."""
    assert observed(Scatter(), pods) == Scatter()


def test_the_margin_for_pods_that_differ() -> None:
    """A fifth between pods, one canary beside four of stable; more pods need less."""
    assert pod_ratio(0.2, 1, 4) == pytest.approx(1.43, abs=0.01)
    assert pod_ratio(0.2, 4, 16) == pytest.approx(1.196, abs=0.01)
