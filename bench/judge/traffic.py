"""Simulated requests of both arms. Must not know who judges them.

An hour of ticks of 15 s; the canary has a fifth of the requests unless its weights are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

TICK = 15.0
TICKS = 240
PER_MINUTE = 4

Shares = float | np.ndarray | Sequence[float] | Sequence[Sequence[float]]
"""One for all ticks, or one for each."""


@dataclass(frozen=True)
class Stream:
    """Counts of one release, a row for each tick; latency has a column for each edge.

    pods: requests and bad ones of stable's pods, a column for each.
    """

    canary: np.ndarray
    stable: np.ndarray
    canary_bad: np.ndarray
    stable_bad: np.ndarray
    weights: np.ndarray
    pods: tuple[np.ndarray, np.ndarray] | None = None


def requests(
    rng: np.random.Generator, rate: float, weights: Shares
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Poisson arrivals, divided by weight. rate: requests a second of both arms."""
    weights = np.broadcast_to(weights, TICKS)
    total = rng.poisson(rate * TICK, TICKS)
    canary = rng.binomial(total, weights)
    return canary, total - canary, weights


def failing(
    rng: np.random.Generator, rate: float, stable: Shares, canary: Shares, weights: Shares = 0.2
) -> Stream:
    """Independent failures with these probabilities, each one number or one for every tick."""
    n_canary, n_stable, weights = requests(rng, rate, weights)
    return Stream(n_canary, n_stable, rng.binomial(n_canary, canary), rng.binomial(n_stable, stable), weights)


def on_pods(
    rng: np.random.Generator,
    rate: float,
    p: np.ndarray,
    canary_p: Shares,
    burst: int = 1,
    weights: Shares = 0.2,
) -> Stream:
    """Failures on stable's pods. p: of each pod; burst: requests that fail together, on one pod."""
    n_canary, n_stable, weights = requests(rng, rate, weights)
    each = rng.multinomial(n_stable, np.full(len(p), 1 / len(p)))
    bad = burst * rng.binomial(each // burst, p)
    canary_bad = burst * rng.binomial(n_canary // burst, canary_p)
    return Stream(n_canary, n_stable, canary_bad, bad.sum(1), weights, (each, bad))


def timed(rng: np.random.Generator, rate: float, stable: Shares, canary: Shares) -> Stream:
    """Requests slower than each edge. stable, canary: the shares that are, a column for each edge."""
    n_canary, n_stable, weights = requests(rng, rate, 0.2)
    return Stream(n_canary, n_stable, _slower(rng, n_canary, canary), _slower(rng, n_stable, stable), weights)


def _slower(rng: np.random.Generator, requests: np.ndarray, shares: Shares) -> np.ndarray:
    shares = np.broadcast_to(shares, (len(requests), np.shape(shares)[-1]))
    ones, none = np.ones((len(requests), 1)), np.zeros((len(requests), 1))
    within = -np.diff(np.hstack([ones, shares, none]))
    counts = rng.multinomial(requests, np.clip(within, 0, None) / within.sum(1, keepdims=True))
    return counts[:, ::-1].cumsum(1)[:, ::-1][:, 1:]
