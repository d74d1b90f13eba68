"""An adaptive weight: what an excess that is not yet excluded may cost. Must not know how it is bounded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ramp:
    """budget: share of all requests that may fail in excess; start, to: least and greatest weight, as shares.

    Raises ValueError.
    """

    budget: float = 0.0005
    start: float = 0.01
    to: float = 0.5

    def __post_init__(self) -> None:
        if not (0 < self.budget < 1 and 0 < self.start <= self.to <= 1):
            raise ValueError("a ramp needs 0 < budget < 1 and 0 < start <= to <= 1")


def weight(ramp: Ramp, bound: float | None) -> float:
    """budget / bound, within start..to. bound: on the excess of the canary's bad share; None: start.

    While the bound holds, weight * excess is at most the budget, except at `start`, where evidence begins.
    """
    if bound is None:
        return ramp.start
    return min(ramp.to, max(ramp.start, ramp.budget / bound if bound > 0 else ramp.to))
