"""Simulated requests of both arms. Must not know who judges them.

An hour of ticks of 15 s; the canary has a fifth of the requests unless its weights are given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TICK = 15.0
TICKS = 240
PER_MINUTE = 4


@dataclass(frozen=True)
class Stream:
    """Counts of one release, a row for each tick; latency has a column for each edge."""

    canary: np.ndarray
    stable: np.ndarray
    canary_bad: np.ndarray
    stable_bad: np.ndarray
    weights: np.ndarray


def requests(rng: np.random.Generator, rate: float, weights) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Poisson arrivals, divided by weight. rate: requests a second of both arms."""
    weights = np.broadcast_to(weights, TICKS)
    total = rng.poisson(rate * TICK, TICKS)
    canary = rng.binomial(total, weights)
    return canary, total - canary, weights


def failing(rng: np.random.Generator, rate: float, stable, canary, weights=0.2) -> Stream:
    """Independent failures with these probabilities, each one number or one for every tick."""
    n_canary, n_stable, weights = requests(rng, rate, weights)
    return Stream(n_canary, n_stable, rng.binomial(n_canary, canary), rng.binomial(n_stable, stable), weights)
