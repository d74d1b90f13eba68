"""How long a part that ended waits."""

from __future__ import annotations

from datetime import timedelta
from itertools import accumulate

from laneway.local.pod.backoff import Backoff

NEVER = timedelta()


def test_the_wait_doubles_to_half_a_minute() -> None:
    """0.5 s after the first failure, 30 s at most, also after days of failing."""
    states = accumulate(range(2000), lambda backoff, _: backoff.after(NEVER), initial=Backoff())
    delays = [state.delay.total_seconds() for state in states]
    assert delays[:9] == [0, 0.5, 1, 2, 4, 8, 16, 30, 30]
    assert delays[-1] == 30


def test_a_run_that_was_ready_for_a_minute_starts_anew() -> None:
    """A shorter one does not: a part that crashes every 59 seconds keeps being slowed."""
    failing = Backoff(failures=5)
    assert failing.after(timedelta(seconds=59)) == Backoff(6)
    assert failing.after(timedelta(seconds=60)) == Backoff(1)
