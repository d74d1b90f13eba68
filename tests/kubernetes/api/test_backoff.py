"""How long to wait after failures."""

from __future__ import annotations

from laneway.kubernetes.api.backoff import backoff


def test_the_wait_doubles_up_to_the_longest() -> None:
    """Also after days of failing."""
    assert [backoff(failures, 0.2, 10, 0.0) for failures in range(1, 8)] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10]
    assert backoff(100_000, 0.2, 10, 0.0) == 10


def test_chance_shortens_the_wait_by_half_at_most() -> None:
    """Never to nothing: that would be no wait."""
    assert backoff(1, 1.0, 10, 0.5) == 0.75
    assert backoff(1, 1.0, 10, 0.999) > 0.5
