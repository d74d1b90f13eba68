"""Random counts from a generator that is given. Must not know what they stand for.

By inversion from the mode outwards: exact, and as many steps as the counts' standard deviation.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, lgamma, log, log1p
from typing import Protocol


class Generator(Protocol):
    """What `random.Random` offers of use here."""

    def random(self) -> float:
        """Uniform in [0, 1)."""
        ...


def binomial(generator: Generator, trials: int, p: float) -> int:
    """How many of the trials succeed, each with probability p."""
    if trials <= 0 or p <= 0:
        return 0
    if p >= 1:
        return trials
    mode = min(trials, int((trials + 1) * p))
    at_mode = _choices(trials, mode) + mode * log(p) + (trials - mode) * log1p(-p)
    odds = p / (1 - p)
    return _inverted(generator, mode, exp(at_mode), 0, trials, lambda k: (trials - k) / (k + 1) * odds)


def hypergeometric(generator: Generator, bad: int, good: int, drawn: int) -> int:
    """How many of the `drawn` are bad, drawn without replacement."""
    low, high = max(0, drawn - good), min(drawn, bad)
    if low >= high:
        return low
    mode = min(high, max(low, (drawn + 1) * (bad + 1) // (bad + good + 2)))
    at_mode = _choices(bad, mode) + _choices(good, drawn - mode) - _choices(bad + good, drawn)
    return _inverted(
        generator,
        mode,
        exp(at_mode),
        low,
        high,
        lambda k: (bad - k) / (k + 1) * (drawn - k) / (good - drawn + k + 1),
    )


def _choices(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _inverted(
    generator: Generator, mode: int, at_mode: float, low: int, high: int, ratio: Callable[[int], float]
) -> int:
    """Where a uniform number is used up, from the mode on to both sides; ratio: P(k + 1) / P(k)."""
    left = generator.random() - at_mode
    down = up = mode
    p_down = p_up = at_mode
    while left > 0 and p_down + p_up > 0:  # both end at 0 before the last rounding error is used up
        p_up *= ratio(up) if up < high else 0.0
        up += 1
        left -= p_up
        if left <= 0:
            return up
        down -= 1
        p_down = p_down / ratio(down) if down >= low else 0.0
        left -= p_down
        if left <= 0:
            return down
    return mode
