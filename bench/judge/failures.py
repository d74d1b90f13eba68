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


def tables(rng: np.random.Generator, scale: float) -> Iterator[str]:
    """All tables; scale: of the numbers of releases."""
    yield _healthy(rng, int(1000 * scale))
    yield _worse(rng, int(150 * scale))
    yield _promoted(rng, int(150 * scale))


def _peers(streams: list[Stream]) -> list[str]:
    rules = (
        peers.flagger,
        lambda stream: peers.argo(stream, 0.95, 5),
        lambda stream: peers.argo(stream, 0.99, 1),
        peers.kayenta,
    )
    found = [[rule(stream) for stream in streams] for rule in rules]
    return [_hits([minute for minute in each if minute is not None], len(streams)) for each in found]


def _hits(found: list[float], of: int) -> str:
    return table.share(len(found), of) + (f" @{table.minutes(found)}" if found else "")


HEADS = ("flagger 99 %/min", "argo 95 %/5 min", "argo 99 %/min", "rank test, 50 min")


def _healthy(rng: np.random.Generator, runs: int) -> str:
    rows = []
    for rate in RATES:
        for p in HEALTHY:
            # The issue's own case has twice as many, so that 1 % is told from 0.5 %.
            streams = [
                failing(rng, rate, p, p) for _ in range(2 * runs if (rate, p) == (100, 0.01) else runs // 4)
            ]
            default = [laneway.judged(laneway.DEFAULT, laneway.ticks(s), on=True) for s in streams]
            bare = [laneway.judged(laneway.BARE, laneway.ticks(s), on=True) for s in streams[: runs // 2]]
            rows.append(
                (
                    f"{rate:>4} rps {100 * p:g} %",
                    str(len(streams)),
                    table.share(sum(e.worse is not None for e in default), len(default)),
                    table.share(sum(e.worse is not None for e in bare), len(bare)),
                    *_peers(streams[:250]),
                )
            )
    title = "Healthy releases rolled back within an hour without promotion (alpha 1 %), @ median minute"
    return table.shown(title, ("both arms fail", "n", "laneway", "no margin", *HEADS), rows)


def _worse(rng: np.random.Generator, runs: int) -> str:
    rows = []
    for rate in RATES:
        for stable, canary in WORSE:
            streams = [failing(rng, rate, stable, canary) for _ in range(runs)]
            cells = []
            for configuration in (laneway.DEFAULT, laneway.BARE):
                ended = [laneway.judged(configuration, laneway.ticks(s), on=True) for s in streams]
                cells.append(_hits([e.worse for e in ended if e.worse is not None], runs))
            needed = [e.requests_worse for e in ended if e.worse is not None]
            noted = NOTED[rate, stable, canary]
            ratio = f"{np.median(needed) / noted:.2f}" if needed else "-"
            name = f"{rate:>4} rps {100 * stable:g} -> {100 * canary:g} %"
            rows.append((name, *cells, table.number(needed), ratio, *_peers(streams)))
    title = "Worse releases rolled back within an hour, @ median minute; requests of the canary until then"
    return table.shown(title, ("fails", "laneway", "no margin", "its requests", "/noted", *HEADS), rows)


def _promoted(rng: np.random.Generator, runs: int) -> str:
    rows = []
    cases = ((0.0001, 0.0001), (0.001, 0.001), (0.01, 0.01), (0.001, 0.0015), (0.001, 0.005), (0.01, 0.015))
    for rate in RATES:
        for stable, canary in cases:
            ended = [
                laneway.judged(laneway.DEFAULT, laneway.ticks(failing(rng, rate, stable, canary)))
                for _ in range(runs)
            ]
            promoted = [e for e in ended if e.promoted]
            rows.append(
                (
                    f"{rate:>4} rps {100 * stable:g} -> {100 * canary:g} %",
                    table.share(len(promoted), runs),
                    table.minutes([e.acceptable for e in promoted]),
                    table.number([e.requests_acceptable for e in promoted]),
                    table.share(sum(e.rolled_back for e in ended), runs),
                )
            )
    title = "Promoted on evidence within an hour (beta 5 %, refused beyond 1.25 times + 0.25 %)"
    return table.shown(title, ("fails", "promoted", "min", "requests", "rolled back"), rows)
