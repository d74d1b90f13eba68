"""Averages of e-values, kept as logarithms. Must not know what the evidence is about.

The mean of e-processes, with weights that sum to 1, is an e-process whatever their dependence (Vovk and Wang,
"E-values: calibration, combination and applications", 2021).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import exp, inf, log


def log_sum(logs: Iterable[float]) -> float:
    """Logarithm of the sum of the exponentials; -inf of none."""
    found = list(logs)
    top = max(found, default=-inf)
    return top if top == -inf else top + log(sum([exp(each - top) for each in found]))


def log_mean(logs: Sequence[float]) -> float:
    """Logarithm of the mean of the exponentials. Raises ValueError for none."""
    return log_sum(logs) - log(len(logs))


def least_rise(logs: Sequence[float], slopes: Sequence[float], threshold: float, most: float) -> float | None:
    """The least x in 0..most at which the mean of exp(log + slope x) reaches `threshold`, to 2e-9 of `most`.

    threshold: as a logarithm. None where `most` does not reach it. Raises nothing for slopes below 0: a
    convex function crosses upwards once after it was below.
    """

    def reached(x: float) -> bool:
        return log_mean([each + slope * x for each, slope in zip(logs, slopes, strict=True)]) >= threshold

    if reached(0.0):
        return 0.0
    if not reached(most):
        return None
    low, high = 0.0, most
    for _ in range(29):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
