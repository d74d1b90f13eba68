"""How far a long replay is, on standard error. Must not know what is counted."""

from __future__ import annotations

import time
from collections.abc import Callable

from laneway.cli.output import say

FIRST_SECONDS, EVERY_SECONDS = 2.0, 5.0
"""What is shorter needs no line; later lines come as often as somebody looks."""
NEARLY = 0.9
"""Of all, from where on the result comes before the next line is read."""


class Progress:
    """Lines like `600 of 1,400 releases`. clock: seconds that never go back."""

    def __init__(self, what: str, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._what, self._total, self._clock = what, total, clock
        self._next = clock() + FIRST_SECONDS

    def show(self, done: int) -> None:
        """So many are done."""
        if self._clock() >= self._next and done < NEARLY * self._total:
            say(f"  {done:,} of {self._total:,} {self._what}")
            self._next = self._clock() + EVERY_SECONDS
