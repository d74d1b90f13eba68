"""Gauges: block means, and evidence that cannot be had from noise."""

from __future__ import annotations

from math import inf, log, sqrt
from random import Random

import pytest
from tests.analysis.reading import judged, tick

from laneway.analysis.configuration import Configuration, Kind, Metric
from laneway.analysis.gauge import Blocks, evidence_above, read
from laneway.analysis.replay import run
from laneway.analysis.tick import Measured, Tick

QUEUE = Metric("queue", Kind.GAUGE, block=60.0)


def readings(seed: int, times: float, blocks: int = 60, persistence: float = 0.0) -> list[Tick]:
    """Readings around a ratio, with noise of a tenth that lasts."""
    generator = Random(seed)
    noise, found = 0.0, []
    for index in range(blocks * 4):
        noise = persistence * noise + sqrt(1 - persistence**2) * generator.gauss(0, 0.1)
        found.append(tick(index, metrics={"queue": Measured(times * 2.718281828**noise, 1.0)}))
    return found


def test_a_block_is_as_long_as_it_is_said_to_be() -> None:
    """Its mean counts once, however often it was read."""
    blocks = Blocks()
    for index in range(8):
        blocks = read(blocks, index * 15.0, (index + 1) * 15.0, 1.0 + (index % 4), 60.0)
    assert blocks == Blocks(count=2, total=5.0, squares=12.5)


def test_the_t_e_process_by_hand() -> None:
    """Three blocks: sqrt(1/4) * (4 V / (4 V - S^2))^(3/2)."""
    blocks = Blocks(3, 0.6, 0.14)
    assert evidence_above(blocks, 0.0) == pytest.approx(log(0.5) + 1.5 * log(0.56 / (0.56 - 0.36)))
    assert evidence_above(blocks, 0.0, sign=-1) == -inf
    assert evidence_above(Blocks(), 0.0) == 0.0


def test_healthy_gauges_are_rolled_back_no_oftener_than_stated() -> None:
    """Of 400 at the tolerated ratio, alpha 5 %; more than 42 would be 5 standard deviations off."""
    configuration = Configuration((QUEUE,), false_rollback=0.05)
    ends = [
        run(configuration, readings(seed, QUEUE.tolerate.ratio, 20), promotes=False) for seed in range(400)
    ]
    assert sum(end.state.worse is not None for end in ends) <= 42


def test_a_higher_gauge_is_worse_and_an_equal_one_acceptable() -> None:
    """Within an hour, at 1.5 times and at the same value."""
    configuration = Configuration((QUEUE,))
    assert judged(configuration, readings(1, 1.5)).worse is not None
    assert judged(configuration, readings(1, 1.0)).acceptable is not None


def test_of_a_gauge_that_falls_the_lower_value_is_worse() -> None:
    """Cache hits, orders a minute."""
    configuration = Configuration((Metric("hits", Kind.GAUGE, block=60.0, falls=True),))
    ticks = [
        tick(index, metrics={"hits": Measured(0.6 + 0.01 * (index // 4 % 3), 1.0)}) for index in range(100)
    ]
    assert judged(configuration, ticks).worse is not None


def test_blocks_shorter_than_the_noise_lasts_err_oftener() -> None:
    """Which is why a block is at least as long: noise that lasts for minutes, read as if it did not."""
    short = Configuration((Metric("queue", Kind.GAUGE, block=15.0),), false_rollback=0.05)
    long = Configuration((Metric("queue", Kind.GAUGE, block=300.0),), false_rollback=0.05)
    streams = [readings(seed, 1.1, 60, persistence=0.9) for seed in range(60)]
    early, late = (
        sum(run(configuration, ticks, promotes=False).state.worse is not None for ticks in streams)
        for configuration in (short, long)
    )
    assert early > 20
    assert late < 12


def test_a_reading_that_has_no_ratio_is_left_out() -> None:
    """A gauge of 0."""
    state = judged(Configuration((QUEUE,)), [tick(0, metrics={"queue": Measured(0.0, 1.0)})])
    assert state.metrics["queue"] == Blocks()
