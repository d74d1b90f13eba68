"""What a tick costs, and what is kept."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import numpy as np

from bench.judge import laneway, latency, table
from bench.judge.traffic import failing
from laneway.analysis import bets
from laneway.analysis.configuration import Configuration, Margin
from laneway.analysis.judge import judge
from laneway.analysis.state import State, to_json
from laneway.analysis.tick import Tick
from laneway.analysis.verdict import verdict


def tables(rng: np.random.Generator) -> Iterator[str]:
    """One table."""
    errors = list(laneway.ticks(failing(rng, 100, 0.01, 0.01)))
    slow = list(laneway.ticks(latency.stream(rng, 100, latency.healthy), "latency"))
    rows = [_cost("errors", laneway.DEFAULT, errors), _cost("latency, 13 edges", latency.DEFAULT, slow)]
    rows.insert(0, ("the bets on worse alone", f"{_bets():.1f}", "", ""))
    yield table.shown("Microseconds; bytes of the state as JSON", ("", "a tick", "a verdict", "state"), rows)


def _bets(times: int = 500) -> float:
    logs: tuple[float, ...] = (0.0,) * len(bets.TIMES_WORSE)
    best = float("inf")
    for _ in range(20):
        began = time.perf_counter()
        for _ in range(times):
            logs = bets.placed(logs, bets.on_worse(300, 1200, Margin(1.1, 0.0005)), 3, 12, 1.0)
        best = min(best, time.perf_counter() - began)
    return best / times * 1e6


def _cost(name: str, configuration: Configuration, ticks: list[Tick]) -> tuple[str, ...]:
    best = float("inf")
    for _ in range(5):
        began, state = time.perf_counter(), State()
        for tick in ticks:
            state = judge(configuration, state, tick)
        best = min(best, time.perf_counter() - began)
    began = time.perf_counter()
    for _ in range(20):
        verdict(configuration, state, state.at or 0.0)
    said = (time.perf_counter() - began) / 20
    size = len(json.dumps(to_json(state), separators=(",", ":")))
    return name, f"{best / len(ticks) * 1e6:.0f}", f"{said * 1e6:.0f}", f"{size:,}"
