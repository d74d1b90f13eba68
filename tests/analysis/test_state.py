"""The judge's state: small, plain, and all that it needs."""

from __future__ import annotations

import json
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.analysis.reading import ERRORS_ONLY, judged, tick

from laneway.analysis.configuration import LATENCY, Configuration, Kind, Metric
from laneway.analysis.judge import judge
from laneway.analysis.sampling import binomial
from laneway.analysis.state import State, from_json, to_json
from laneway.analysis.tick import Arm, Counted, Measured, Tick

EVERY_KIND = Configuration((Metric("errors"), LATENCY, Metric("queue", Kind.GAUGE, block=30.0)))


def mixed(generator: Random, index: int, weight: float) -> Tick:
    """A tick with a reading of every kind, and stable's pods one by one."""
    canary = binomial(generator, 500, weight)
    stable = 500 - canary
    width = len(LATENCY.edges_ms)

    def slow(requests: int) -> tuple[int, ...]:
        return tuple(sorted((binomial(generator, requests, 0.3) for _ in range(width)), reverse=True))

    halves = (stable // 2, stable - stable // 2)
    failed = [binomial(generator, half, 0.02) for half in halves]
    errors = Counted(
        Arm(canary, (binomial(generator, canary, 0.02),)),
        Arm(stable, (sum(failed),)),
        tuple(Arm(half, (bad,)) for half, bad in zip(halves, failed, strict=True)),
    )
    readings = {
        "errors": errors,
        "latency": Counted(Arm(canary, slow(canary)), Arm(stable, slow(stable))),
        "queue": Measured(1 + generator.random(), 1 + generator.random()),
    }
    return tick(index, weight=weight, canary=canary, stable=stable, metrics=readings, age=100.0)


weights = st.lists(st.floats(0.01, 0.99), min_size=1, max_size=12)


@settings(max_examples=25, deadline=None)
@given(weights, st.integers(0, 1_000_000))
def test_a_restart_after_any_tick_changes_nothing(shares: list[float], seed: int) -> None:
    """The state goes through JSON after each tick, while the weight changes at will."""
    generator = Random(seed)
    ticks = [mixed(generator, index, weight) for index, weight in enumerate(shares)]
    restarted = State()
    for each in ticks:
        restarted = from_json(json.loads(json.dumps(to_json(judge(EVERY_KIND, restarted, each)))))
    assert restarted == judged(EVERY_KIND, ticks)


def test_the_state_is_small() -> None:
    """After a day with two metrics, one of them over every edge of latency."""
    generator = Random(1)
    ticks = [mixed(generator, index, 0.2) for index in range(50)]
    state = judged(Configuration(), ticks)
    assert len(json.dumps(to_json(state), separators=(",", ":"))) < 8_000
    assert len(json.dumps(to_json(judged(ERRORS_ONLY, ticks)), separators=(",", ":"))) < 1_000
