"""Backoff: how long to wait after failures in a row. Pure."""

from __future__ import annotations

_DOUBLINGS_MAX = 30


def backoff(failures: int, first: float, longest: float, random: float) -> float:
    """Seconds: `first` after one failure, doubling to `longest`; shortened by up to a half.

    random: from [0, 1), so that those who failed together do not come back together.
    """
    doubled = min(first * (1 << min(failures - 1, _DOUBLINGS_MAX)), longest)
    return doubled * (1 - random / 2)
