"""Requests that are still needed: an estimate that is near what it turns out to be."""

from __future__ import annotations

from random import Random
from statistics import median

import pytest
from tests.analysis.reading import ERRORS_ONLY, counts, judged, tick

from laneway.analysis.replay import run
from laneway.analysis.sampling import binomial
from laneway.analysis.tick import Tick
from laneway.analysis.verdict import verdict


def ticks(seed: int, p: float) -> list[Tick]:
    """A healthy release."""
    generator = Random(seed)
    return [
        tick(index, counts(100, binomial(generator, 100, p), 400, binomial(generator, 400, p)))
        for index in range(300)
    ]


@pytest.mark.parametrize("p", [0.0, 0.001, 0.01])
def test_it_is_near_what_healthy_releases_take(p: float) -> None:
    """The median of some, estimated once a few requests have told stable's rate."""
    took = median(run(ERRORS_ONLY, ticks(seed, p)).requests for seed in range(15))
    early = median(
        verdict(ERRORS_ONLY, judged(ERRORS_ONLY, ticks(seed, p)[:10]), 150.0).needed or 0
        for seed in range(15)
    )
    assert 0.5 < (early + 1_000) / took < 1.6


def test_it_falls_as_requests_come() -> None:
    """By about as many as came."""
    found = [
        verdict(ERRORS_ONLY, judged(ERRORS_ONLY, ticks(1, 0.0)[:many]), many * 15.0).needed
        for many in (1, 11)
    ]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0] - found[1] == pytest.approx(1_000, abs=10)
