"""Slow requests: every request slower, or the tail alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import erf, log, sqrt

import numpy as np

from bench.judge import laneway, peers, table
from bench.judge.traffic import Stream, timed
from laneway.analysis.configuration import DEFAULT_EDGES_MS, LATENCY, Configuration, Margin

WARM = replace(LATENCY, warm_up=0.0)
DEFAULT = Configuration((WARM,), false_rollback=laneway.ALPHA)
BARE = Configuration((replace(WARM, tolerate=Margin()),), false_rollback=laneway.ALPHA)
MEDIAN_MS, SIGMA = 100.0, 0.5


def slower(ms: float) -> float:
    """Of stable's requests, a lognormal with a p99 of 320 ms: the share that takes longer."""
    return 0.5 * (1 - erf(log(ms / MEDIAN_MS) / SIGMA / sqrt(2)))


def healthy(ms: float) -> float:
    """The same."""
    return slower(ms)


def times(factor: float) -> Callable[[float], float]:
    """Every request takes so many times as long."""
    return lambda ms: slower(ms / factor)


def tail(factor: float) -> Callable[[float], float]:
    """Only the slowest 5 % do."""
    return lambda ms: max(slower(ms), min(0.05, slower(ms / factor)))


def stream(rng: np.random.Generator, rate: float, canary: Callable[[float], float]) -> Stream:
    """One release."""
    return timed(rng, rate, [slower(ms) for ms in DEFAULT_EDGES_MS], [canary(ms) for ms in DEFAULT_EDGES_MS])


CASES = {
    "healthy": healthy,
    "all +20 %": times(1.2),
    "all +50 %": times(1.5),
    "slowest 5 % +20 %": tail(1.2),
    "slowest 5 % +50 %": tail(1.5),
}


def tables(rng: np.random.Generator) -> Iterator[str]:
    """One table."""
    rows = []
    for rate in (5, 100):
        for name, canary in CASES.items():
            runs = 40 if name == "healthy" else 20
            streams = [stream(rng, rate, canary) for _ in range(runs)]
            cells = []
            for configuration in (DEFAULT, BARE):
                ends = [laneway.judged(configuration, each, False, "latency") for each in streams]
                cells.append(table.hits(laneway.rolled_back(ends), runs))
            rules: tuple[Callable[[Stream], float | None], ...] = (
                lambda each: peers.flagger_latency(each, DEFAULT_EDGES_MS, 500),
                lambda each: peers.flagger_latency(each, DEFAULT_EDGES_MS, 450),
                lambda each: peers.kayenta_latency(each, DEFAULT_EDGES_MS),
            )
            for rule in rules:
                found = [rule(each) for each in streams]
                cells.append(table.hits([minute for minute in found if minute is not None], runs))
            rows.append((f"{rate:>4} rps {name}", *cells))
    heads = ("laneway", "no margin", "flagger p99<500", "flagger p99<450", "rank test of p99")
    yield table.shown("Slow releases rolled back within an hour, @ median minute", ("", *heads), rows)
