"""Backoff: how long a part that ended waits until it is started again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

FIRST = timedelta(seconds=0.5)
LONGEST = timedelta(seconds=30)
PROVEN_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Backoff:
    """failures: in a row, without a run that proved itself by being ready for a minute."""

    failures: int = 0

    def after(self, ready_for: timedelta) -> Backoff:
        """The state after a run ended that was ready for so long."""
        return Backoff(1) if ready_for >= PROVEN_AFTER else Backoff(self.failures + 1)

    @property
    def delay(self) -> timedelta:
        """0.5 s after the first failure, doubling to 30 s; none before it."""
        if self.failures == 0:
            return timedelta()
        doublings = min(self.failures - 1, 10)
        return min(FIRST * (1 << doublings), LONGEST)
