"""How often istiod is asked while something is awaited. Pure. Must not know what is awaited."""

from __future__ import annotations

FIRST_SECONDS = 0.005
LAST_SECONDS = 2.0
GROWTH = 1.25
"""So the last wait is a fifth of all before: an answer is found late by at most that."""
SHARE = 4
"""An answer that takes long to give is asked for less often: at most a fifth of the time is spent on it."""


class Pace:
    """The waits between one question and the next."""

    def __init__(self) -> None:
        self._next = FIRST_SECONDS

    def restart(self) -> None:
        """Something new is awaited."""
        self._next = FIRST_SECONDS

    def wait(self, took: float) -> float:
        """Seconds until the next question, after one that took this long."""
        wait = max(self._next, took * SHARE)
        self._next = min(self._next * GROWTH, LAST_SECONDS)
        return wait
