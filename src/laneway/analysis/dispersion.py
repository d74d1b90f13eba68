"""How much more counts of bad requests scatter than independent ones. Must not know what follows from it.

Given how many requests of a tick were bad in all, independent ones fall on the pods as a multinomial,
whatever their rate and its changes; the sum of squared conditional Pearson residuals then has the expectation
pods - 1. Its mean per degree of freedom, over ticks, is phi. Bursts that fall on one pod raise it, and so do
pods that differ for good; bursts that spread over all pods do not, and need not: they fall on both arms
alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, sqrt
from typing import NamedTuple

from laneway.analysis.tick import Arm

BEFORE, WORTH = 3.0, 2
"""What is assumed of pods before they have failed, and for how many degrees of freedom that counts.

A canary whose first failures are one burst, while stable has none yet, would else look like many failures.
"""


class Scatter(NamedTuple):
    """Sum of squared residuals, and of degrees of freedom."""

    squares: float = 0.0
    freedom: int = 0


def observed(scatter: Scatter, pods: Sequence[Arm]) -> Scatter:
    """After one tick's counts of stable's pods; of a latency metric, at its most telling edge."""
    serving = [pod for pod in pods if pod.requests]
    if len(serving) < 2:
        return scatter
    requests = sum([pod.requests for pod in serving])
    edge, bad = _telling(serving, requests)
    if not 0 < bad < requests:
        return scatter
    squares = 0.0
    for pod in serving:
        expected = bad * pod.requests / requests
        squares += (pod.bad[edge] - expected) ** 2 / expected
    thinning = (requests - 1) / (requests - bad)  # bad requests are drawn from the pods' without replacement
    return Scatter(scatter.squares + squares * thinning, scatter.freedom + len(serving) - 1)


def _telling(serving: Sequence[Arm], requests: int) -> tuple[int, int]:
    """Index of the edge whose bad share is nearest to one half, and its bad requests."""
    totals = [sum(counts) for counts in zip(*[pod.bad for pod in serving], strict=True)]
    edge = min(range(len(totals)), key=lambda each: abs(2 * totals[each] - requests))
    return edge, totals[edge]


def phi(scatter: Scatter, least: float, pods: int = 0) -> float:
    """Dispersion, at least `least`; estimated where pods of stable are, or were, known one by one.

    It may include the tick whose bets it divides: how bad requests divide among stable's pods says nothing
    about how many they are, given that they are independent or come in bursts.
    """
    if pods < 2 and not scatter.freedom:
        return least
    return max(least, (scatter.squares + WORTH * BEFORE) / (scatter.freedom + WORTH))


def pod_ratio(deviation: float, canary_pods: int, stable_pods: int) -> float:
    """The least ratio to tolerate where pods differ for good, which no number of requests averages out.

    deviation: standard deviation of the logarithm of pods' bad shares, from a comparison of stable with
    itself. At 1.6 standard deviations of the difference of the arms' means about 1 healthy release in 20 has
    luckier stable pods than that, and only few of these have the traffic to be rolled back.
    """
    return exp(1.6 * deviation * sqrt(1 / canary_pods + 1 / stable_pods))
