"""The peers' rules as their documentation's examples set them. Must not know of Laneway.

Counts are summed over the peer's interval. Each returns the minute of its rollback, or None.
"""

from __future__ import annotations

import numpy as np

from bench.judge.traffic import PER_MINUTE, Stream

QUANTILE_98 = 2.3263


def _summed(counts: np.ndarray, minutes: int) -> np.ndarray:
    size = minutes * PER_MINUTE
    found: np.ndarray = counts[: len(counts) // size * size].reshape(-1, size).sum(1)
    return found


def _shares(bad: np.ndarray, requests: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.divide(bad, requests, out=np.zeros(len(bad)), where=requests > 0)
    return found


def flagger(stream: Stream, least: float = 0.99, threshold: int = 5, advances: int = 10) -> float | None:
    """Every minute success rate >= 99 % advances by a step; the fifth failed check rolls back."""
    failed = passed = 0
    shares = _shares(_summed(stream.canary_bad, 1), _summed(stream.canary, 1))
    for minute, share in enumerate(shares, start=1):
        failed, passed = (failed + 1, passed) if 1 - share < least else (failed, passed + 1)
        if failed >= threshold:
            return float(minute)
        if passed > advances:
            return None
    return None


def argo(stream: Stream, least: float, minutes: int, limit: int = 3) -> float | None:
    """A background analysis: success rate >= least over the interval; more failures than the limit abort."""
    shares = _shares(_summed(stream.canary_bad, minutes), _summed(stream.canary, minutes))
    failed = np.flatnonzero(1 - shares < least)
    return float((failed[limit] + 1) * minutes) if len(failed) > limit else None


def flagger_latency(stream: Stream, edges: tuple[int, ...], most: float, threshold: int = 5) -> float | None:
    """Every minute histogram_quantile(0.99) <= most ms; the fifth failed check rolls back."""
    found = p99(stream.canary, stream.canary_bad, edges)
    failed = np.flatnonzero(found[: 10 + threshold] > most)
    return float(failed[threshold - 1] + 1) if len(failed) >= threshold else None


def kayenta_latency(stream: Stream, edges: tuple[int, ...], points: int = 50) -> float | None:
    """The rank test over the minutes' histogram_quantile(0.99)."""
    canary = p99(stream.canary, stream.canary_bad, edges)[:points]
    stable = p99(stream.stable, stream.stable_bad, edges)[:points]
    return float(points) if rank_test_high(canary, stable) else None


def p99(requests: np.ndarray, slower: np.ndarray, edges: tuple[int, ...]) -> np.ndarray:
    """Of each minute, as Prometheus' histogram_quantile has it: linear within the bucket."""
    total = _summed(requests, 1)
    shares = np.stack([_shares(_summed(slower[:, index], 1), total) for index in range(len(edges))], 1)
    found = []
    for row in shares:
        at = int(np.argmax(row <= 0.01))
        low, above = (edges[at - 1], row[at - 1]) if at else (0, 1.0)
        found.append(low + (edges[at] - low) * (above - 0.01) / max(above - row[at], 1e-12))
    return np.array(found)


def peeking(stream: Stream) -> float | None:
    """A z test of two shares at 5 %, one-sided, looked at after every tick."""
    nc, nb = stream.canary.cumsum(), stream.stable.cumsum()
    xc, xb = stream.canary_bad.cumsum(), stream.stable_bad.cumsum()
    p = (xc + xb) / (nc + nb)
    deviation = np.sqrt(np.maximum(p * (1 - p), 1e-12) * (1 / np.maximum(nc, 1) + 1 / np.maximum(nb, 1)))
    beyond = np.flatnonzero((xc / np.maximum(nc, 1) - xb / np.maximum(nb, 1)) / deviation > 1.645)
    return float((beyond[0] + 1) / PER_MINUTE) if len(beyond) else None


def kayenta(stream: Stream, points: int = 50, tolerance: float = 0.25) -> float | None:
    """Once, after 50 minutes: the 98 % Mann-Whitney interval lies beyond a quarter of its estimate."""
    canary = _shares(_summed(stream.canary_bad, 1), _summed(stream.canary, 1))[:points]
    stable = _shares(_summed(stream.stable_bad, 1), _summed(stream.stable, 1))[:points]
    return float(points) if rank_test_high(canary, stable, tolerance) else None


def rank_test_high(canary: np.ndarray, stable: np.ndarray, tolerance: float = 0.25) -> bool:
    """Whether the canary's points lie higher; interval by the order statistics of all differences."""
    differences = np.sort((canary[:, None] - stable[None, :]).ravel())
    m, n = len(canary), len(stable)
    below = int(m * n / 2 - QUANTILE_98 * np.sqrt(m * n * (m + n + 1) / 12) - 0.5)
    return bool(differences[max(below, 0)] > tolerance * abs(float(np.median(differences))))
