"""How sure a share is that was seen in some runs. Must not know what they are runs of.

Source: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the
binomial", Biometrika 1934.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, lgamma, log, log1p

CONFIDENCE = 0.95
_HALVINGS = 50


def interval(found: int, runs: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Between which shares the true one lies, with at least this confidence."""
    tail = (1 - confidence) / 2
    low = _root(lambda p: at_least(found, runs, p) >= tail) if found else 0.0
    high = _root(lambda p: 1 - at_least(found + 1, runs, p) < tail) if found < runs else 1.0
    return low, high


def at_least(found: int, runs: int, p: float) -> float:
    """Probability of so many or more, each of the runs having probability p."""
    if found <= 0:
        return 1.0
    if not 0 < p < 1:
        return float(p >= 1)
    logs = (
        lgamma(runs + 1) - lgamma(k + 1) - lgamma(runs - k + 1) + k * log(p) + (runs - k) * log1p(-p)
        for k in range(found, runs + 1)
    )
    return min(1.0, sum(map(exp, logs)))


def _root(reached: Callable[[float], bool]) -> float:
    """Where a condition that holds from some share on begins to."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
