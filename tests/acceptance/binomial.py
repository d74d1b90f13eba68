"""The interval in which a count of independent successes lies, exactly."""

from __future__ import annotations

from math import exp, lgamma, log


def interval(trials: int, chance: float, confidence: float) -> tuple[int, int]:
    """The least and the greatest count such that each tail beyond holds at most (1 - confidence) / 2."""
    tail = (1 - confidence) / 2
    masses = [_mass(trials, chance, successes) for successes in range(trials + 1)]
    return _first_beyond(masses, tail), trials - _first_beyond(masses[::-1], tail)


def _mass(trials: int, chance: float, successes: int) -> float:
    ways = lgamma(trials + 1) - lgamma(successes + 1) - lgamma(trials - successes + 1)
    return exp(ways + successes * log(chance) + (trials - successes) * log(1 - chance))


def _first_beyond(masses: list[float], tail: float) -> int:
    total = 0.0
    for successes, mass in enumerate(masses):
        total += mass
        if total > tail:
            return successes
    return len(masses) - 1
