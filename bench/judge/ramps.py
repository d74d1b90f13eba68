"""What a bad release costs until it is found, with an adaptive weight and with steps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.judge import laneway, table
from bench.judge.traffic import TICK
from laneway.analysis.counting import upper_bound
from laneway.analysis.judge import judge
from laneway.analysis.ramp import Ramp, weight
from laneway.analysis.state import CountState, State
from laneway.analysis.tick import Arm, Counted, Tick

RAMP = Ramp(budget=0.0005, start=0.01, to=0.5)
BASE = 0.001
EXCESSES = (0.0, 0.002, 0.004, 0.009, 0.049, 0.5)
End = tuple[str, float, float]
"""How it ended, at which minute, and the errors beyond stable's."""


def tables(rng: np.random.Generator) -> Iterator[str]:
    """One table."""
    rows = []
    for rate in (100, 1000):
        for excess in EXCESSES:
            row = [f"{rate:>4} rps 0.1 -> {100 * (BASE + excess):g} %"]
            for rule in (_adaptive, _flagger):
                ends = [rule(rng, rate, excess) for _ in range(40)]
                row += _summary(ends)
            rows.append(tuple(row))
    heads = (
        "",
        "laneway: promoted",
        "rolled back",
        "min",
        "errors",
        "flagger: promoted",
        "rolled back",
        "min",
        "errors",
    )
    title = "An adaptive ramp with a budget of 0.05 %, beside Flagger's 5 % steps: excess errors, mean"
    yield table.shown(title, heads, rows)


def _summary(ends: list[End]) -> list[str]:
    shares = [
        table.share(sum(end[0] == how for end in ends), len(ends)) for how in ("promoted", "rolled back")
    ]
    return [*shares, table.minutes([end[1] for end in ends]), f"{np.mean([end[2] for end in ends]):,.0f}"]


def _adaptive(rng: np.random.Generator, rate: float, excess: float) -> End:
    state, spent, share = State(), 0.0, RAMP.start
    configuration = laneway.DEFAULT
    for index in range(240):
        tick, bad = _tick(rng, rate, excess, share, index)
        state = judge(configuration, state, tick)
        spent += bad
        if state.worse is not None:
            return "rolled back", tick.at / 60, spent
        at_top = share >= RAMP.to
        if at_top and state.acceptable is not None and tick.at >= state.acceptable + configuration.lag:
            return "promoted", tick.at / 60, spent
        errors = state.metrics["errors"]
        assert isinstance(errors, CountState)
        share = weight(RAMP, upper_bound(errors, configuration.false_promote))
    return "unsure", 60.0, spent


def _tick(rng: np.random.Generator, rate: float, excess: float, share: float, index: int) -> tuple[Tick, int]:
    canary, stable = (int(rng.poisson(rate * TICK * part)) for part in (share, 1 - share))
    extra = int(rng.binomial(canary, excess))
    bad = int(rng.binomial(canary - extra, BASE)) + extra
    metrics = {"errors": Counted(Arm(canary, (bad,)), Arm(stable, (int(rng.binomial(stable, BASE)),)))}
    return Tick(index * TICK, (index + 1) * TICK, canary=canary, stable=stable, metrics=metrics), extra


def _flagger(rng: np.random.Generator, rate: float, excess: float) -> End:
    """5 % more every minute up to 50 %, success rate >= 99 %, five failed checks roll back."""
    failed, spent, share = 0, 0.0, 0.05
    for minute in range(1, 61):
        requests = int(rng.poisson(rate * 60 * share))
        extra = int(rng.binomial(requests, excess))
        bad = int(rng.binomial(requests - extra, BASE)) + extra
        spent += extra
        if requests and bad / requests > 0.01:
            failed += 1
            if failed >= 5:
                return "rolled back", float(minute), spent
        elif share >= 0.5:
            return "promoted", float(minute), spent
        else:
            share += 0.05
    return "unsure", 60.0, spent
