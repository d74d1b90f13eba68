"""Failing requests: false rollbacks of healthy releases, detection delay, time to promote."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.judge import laneway, peers, table
from bench.judge.traffic import Stream, failing

RATES = (5, 100, 1000)
HEALTHY = (0.001, 0.005, 0.01)
WORSE = ((0.001, 0.005), (0.001, 0.01), (0.01, 0.015), (0.001, 0.05))
NOTED = {
    (5, 0.001, 0.005): 1651,
    (5, 0.001, 0.01): 628,
    (5, 0.01, 0.015): 2303,
    (5, 0.001, 0.05): 96,
    (100, 0.001, 0.005): 2128,
    (100, 0.001, 0.01): 881,
    (100, 0.01, 0.015): 6870,
    (100, 0.001, 0.05): 301,
    (1000, 0.001, 0.005): 3032,
    (1000, 0.001, 0.01): 3001,
    (1000, 0.01, 0.015): 8994,
    (1000, 0.001, 0.05): 3001,
}
"""Median canary requests to detection of the same e-process in an independent implementation, alpha 1 %."""


def tables(rng: np.random.Generator) -> Iterator[str]:
    """All tables."""
    yield _healthy(rng)
    yield _worse(rng, 40)
    yield _promoted(rng, 40)


def _peers(streams: list[Stream]) -> list[str]:
    rules = (
        peers.flagger,
        lambda stream: peers.argo(stream, 0.95, 5),
        lambda stream: peers.argo(stream, 0.99, 1),
        peers.kayenta,
        peers.peeking,
    )
    found = [[rule(stream) for stream in streams] for rule in rules]
    return [table.hits([minute for minute in each if minute is not None], len(streams)) for each in found]


HEADS = ("flagger 99 %/min", "argo 95 %/5 min", "argo 99 %/min", "rank test, 50 min", "z 5 % every tick")


def _healthy(rng: np.random.Generator) -> str:
    rows = []
    for rate in RATES:
        for p in HEALTHY:
            many = (rate, p) == (100, 0.01)  # 1 % has to be told from 0.5 %
            streams = [failing(rng, rate, p, p) for _ in range(2000 if many else 40)]
            cells = []
            for configuration, runs in (
                (laneway.DEFAULT, len(streams)),
                (laneway.BARE, min(200, len(streams))),
            ):
                ends = [laneway.judged(configuration, stream, promotes=False) for stream in streams[:runs]]
                cells.append(table.share(len(laneway.rolled_back(ends)), runs))
            name = f"{rate:>4} rps {100 * p:g} %"
            rows.append((name, str(len(streams)), *cells, *_peers(streams[:100])))
    title = "Healthy releases rolled back within an hour without promotion (alpha 1 %), @ median minute"
    return table.shown(title, ("both arms fail", "n", "laneway", "no margin", *HEADS), rows)


def _worse(rng: np.random.Generator, runs: int) -> str:
    rows = []
    for rate in RATES:
        for stable, canary in WORSE:
            streams = [failing(rng, rate, stable, canary) for _ in range(runs)]
            cells = []
            for configuration in (laneway.DEFAULT, laneway.BARE):
                ends = [laneway.judged(configuration, stream, promotes=False) for stream in streams]
                cells.append(table.hits(laneway.rolled_back(ends), runs))
            needed = [end.requests for end in ends if end.state.worse is not None]
            ratio = f"{np.median(needed) / NOTED[rate, stable, canary]:.2f}" if needed else "-"
            name = f"{rate:>4} rps {100 * stable:g} -> {100 * canary:g} %"
            rows.append((name, *cells, table.number(needed), ratio, *_peers(streams)))
    title = "Worse releases rolled back within an hour, @ median minute; canary requests without a margin"
    return table.shown(title, ("fails", "laneway", "no margin", "requests", "/noted", *HEADS), rows)


CASES = ((0.0001, 0.0001), (0.001, 0.001), (0.01, 0.01), (0.001, 0.0015), (0.001, 0.005), (0.01, 0.015))


def _promoted(rng: np.random.Generator, runs: int) -> str:
    rows = []
    for rate in RATES:
        for stable, canary in CASES:
            ends = [laneway.judged(laneway.DEFAULT, failing(rng, rate, stable, canary)) for _ in range(runs)]
            promoted = laneway.promoted(ends)
            rows.append(
                (
                    f"{rate:>4} rps {100 * stable:g} -> {100 * canary:g} %",
                    table.share(len(promoted), runs),
                    table.minutes([end.after / 60 for end in promoted]),
                    table.number([end.requests for end in promoted]),
                    table.share(len(laneway.rolled_back(ends)), runs),
                )
            )
    title = "Promoted on evidence within an hour (beta 5 %, refused beyond 1.25 times + 0.25 %)"
    return table.shown(title, ("fails", "promoted", "min", "requests", "rolled back"), rows)
