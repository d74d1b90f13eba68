"""What false rollbacks rest on: each assumption held, and violated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import log, sqrt

import numpy as np

from bench.judge import laneway, latency, table
from bench.judge.traffic import TICK, TICKS, Stream, failing, on_pods, timed
from laneway.analysis.configuration import DEFAULT_EDGES_MS, LATENCY, Configuration, Kind, Metric
from laneway.analysis.counters import Arms, Scrape, paired
from laneway.analysis.dispersion import pod_ratio
from laneway.analysis.replay import run
from laneway.analysis.tick import Arm, Counted, Measured, Tick

RUNS = 60
BLOCKS = (15.0, 60.0, 180.0, 300.0)
RATE = 100


def tables(rng: np.random.Generator) -> Iterator[str]:
    """A table for each assumption. Every release is healthy: the canary's code is as good as stable's."""
    for rows in (_bursts, _pods, _cold, _outages, _skew, _ramp, _metrics, _gauges):
        title, heads, found = rows(rng)
        yield table.shown(title, heads, found)


Rows = tuple[str, tuple[str, ...], list[tuple[str, ...]]]


def _back(configuration: Configuration, streams: list[Stream], name: str = "errors") -> str:
    ends = [laneway.judged(configuration, stream, False, name) for stream in streams]
    return table.share(len(laneway.rolled_back(ends)), len(ends))


def _bursts(rng: np.random.Generator) -> Rows:
    rows: list[tuple[str, ...]] = []
    for burst in (1, 3, 5):
        with_pods = [on_pods(rng, RATE, np.full(4, 0.01), 0.01, burst) for _ in range(RUNS)]
        streams = [replace(stream, pods=None) for stream in with_pods]
        cells = [_back(laneway.configuration(1.0, 0.0, phi), streams) for phi in (1, burst)]
        cells.append(_back(laneway.BARE, with_pods))
        rows.append((f"{burst} at once", *cells, _back(laneway.DEFAULT, streams)))
    heads = ("1 % fail", "phi 1", "phi = burst", "phi from pods", "phi 1, default margin")
    return "Bursts: failures that come together on one pod (no margin)", heads, rows


def _pods(rng: np.random.Generator) -> Rows:
    rows: list[tuple[str, ...]] = []
    for deviation in (0.1, 0.2, 0.4):
        streams = []
        for _ in range(RUNS):
            pods = 0.01 * np.exp(deviation * rng.standard_normal(5))
            streams.append(on_pods(rng, RATE, pods[:4], pods[4]))
        bare = [replace(stream, pods=None) for stream in streams]
        calibrated = pod_ratio(deviation, 1, 4)
        cells = [_back(laneway.configuration(ratio, 0.0), bare) for ratio in (1.0, 1.1, calibrated)]
        both = _back(laneway.configuration(calibrated, 0.0), streams)
        rows.append((f"sd {deviation}", *cells, f"{calibrated:.2f}", both, _back(laneway.DEFAULT, streams)))
    heads = ("of log p", "1.0", "1.1", "calibrated", "that is", "and phi", "default and phi")
    return "Pods that differ for good: one canary pod, four of stable, by tolerated ratio", heads, rows


def _cold(rng: np.random.Generator) -> Rows:
    since = np.arange(TICKS) * TICK
    rows: list[tuple[str, ...]] = []
    for lasting in (15, 60):
        factors = 1 + 2 * np.exp(-since / lasting)
        canary = [[latency.slower(ms / factor) for ms in DEFAULT_EDGES_MS] for factor in factors]
        stable = [latency.slower(ms) for ms in DEFAULT_EDGES_MS]
        warm = [timed(rng, RATE, stable, canary) for _ in range(RUNS // 6)]
        fresh = [timed(rng, RATE, canary, canary) for _ in range(RUNS // 6)]
        cells = [
            _back(Configuration((replace(LATENCY, warm_up=float(warm_up)),), laneway.ALPHA), warm, "latency")
            for warm_up in (0, 60, 300)
        ]
        at_once = Configuration((replace(LATENCY, warm_up=0.0),), laneway.ALPHA)
        rows.append((f"{lasting} s", *cells, _back(at_once, fresh, "latency")))
    heads = ("time constant", "warm-up 0", "60 s (default)", "300 s", "0, stable as young")
    return "Cold starts: three times as slow at first, then as fast", heads, rows


def _outages(rng: np.random.Generator) -> Rows:
    outage = np.full(TICKS, 0.001)
    outage[80:120] = 0.05
    rows: list[tuple[str, ...]] = []
    for rate in (5, 100, 1000):
        streams = [failing(rng, rate, outage, outage) for _ in range(RUNS // 2)]
        own = [failing(rng, rate, 0.001, outage) for _ in range(RUNS // 4)]
        rows.append(
            (
                f"{rate} rps",
                _back(laneway.DEFAULT, streams),
                _back(laneway.BARE, streams),
                _back(laneway.DEFAULT, own),
            )
        )
    heads = ("5 % fail for 10 min", "both arms", "both, no margin", "the canary alone")
    return "Shared outages: a dependency of both arms fails", heads, rows


def _skew(rng: np.random.Generator) -> Rows:
    rows: list[tuple[str, ...]] = []
    for offset in (0.0, 1.0, 5.0, 10.0):
        cells = []
        for skew in (60.0, 1.0):
            configuration = replace(laneway.BARE, skew=skew)
            ends = [run(configuration, _skewed(rng, offset, skew), promotes=False) for _ in range(RUNS // 3)]
            cells.append(table.share(len(laneway.rolled_back(ends)), len(ends)))
            cells.append(f"{np.mean([end.requests for end in ends]):,.0f}")
        rows.append((f"{offset:g} s", *cells))
    heads = ("stable's are older by", "any skew", "requests", "1 s (default)", "requests")
    return "Scrape skew: outages of 20 % for a minute, in both arms (no margin)", heads, rows


def _skewed(rng: np.random.Generator, offset: float, skew: float) -> Iterator[Tick]:
    """Counters of both arms, second by second; stable's readings are older, so they miss an onset."""
    seconds = int(TICKS * TICK / 2)
    p = np.full(seconds, 0.001)
    for start in range(200, seconds, 400):
        p[start + int(rng.integers(0, 200)) :][:60] = 0.2
    counts = {}
    for name, rate in (("canary", 0.2 * RATE), ("stable", 0.8 * RATE)):
        n = rng.poisson(rate, seconds)
        counts[name] = (n.cumsum().tolist(), rng.binomial(n, p).cumsum().tolist())
    last: Arms | None = None
    for at in range(30, seconds, int(TICK)):
        then = at - int(offset)
        canary = Scrape(at, {"": (counts["canary"][0][at], counts["canary"][1][at])})
        stable = Scrape(at - offset, {"": (counts["stable"][0][then], counts["stable"][1][then])})
        found = paired(last, canary, stable, skew)
        last = found.last
        if found.canary is not None and found.stable is not None:
            (nc, xc), (nb, xb) = found.canary.total(2), found.stable.total(2)
            metrics = {"errors": Counted(Arm(nc, (xc,)), Arm(nb, (xb,)))}
            yield Tick(found.since - offset, found.at - offset, canary=nc, stable=nb, metrics=metrics)


def _ramp(rng: np.random.Generator) -> Rows:
    weights = np.repeat([0.05, 0.2, 0.5], TICKS // 3)
    p = np.repeat([0.001, 0.001, 0.004], TICKS // 3)
    streams = [failing(rng, RATE, p, p, weights) for _ in range(RUNS)]
    pooled = sum(_pooled_z(stream) > 1.645 for stream in streams)
    rows: list[tuple[str, ...]] = [
        (
            "5, 20, 50 %",
            _back(laneway.DEFAULT, streams),
            _back(laneway.BARE, streams),
            table.share(pooled, len(streams)),
        )
    ]
    heads = ("", "laneway", "no margin", "one z test of the sums, 5 %")
    return (
        "Ramps: both arms fail four times as often in the last third, when the weight is highest",
        heads,
        rows,
    )


def _pooled_z(stream: Stream) -> float:
    nc, nb = stream.canary.sum(), stream.stable.sum()
    xc, xb = stream.canary_bad.sum(), stream.stable_bad.sum()
    p = (xc + xb) / (nc + nb)
    return float((xc / nc - xb / nb) / sqrt(p * (1 - p) * (1 / nc + 1 / nb)))


def _metrics(rng: np.random.Generator) -> Rows:
    rows: list[tuple[str, ...]] = []
    many = Configuration(
        tuple(replace(laneway.BARE.metrics[0], name=f"errors {index}") for index in range(6)), laneway.ALPHA
    )
    for name, bad in (("all healthy", 0.002), ("one of them 0.2 -> 0.5 %", 0.005)):
        ends, alone = [], []
        for _ in range(RUNS // 2):
            streams = [failing(rng, RATE, 0.002, bad if index == 0 else 0.002) for index in range(6)]
            ends.append(run(many, _together(streams), promotes=False))
            alone.append(laneway.judged(laneway.BARE, streams[0], promotes=False))
        rows.append((name, *[table.hits(laneway.rolled_back(found), len(found)) for found in (ends, alone)]))
    return "Six metrics, one alpha (no margin)", ("", "together", "the first alone"), rows


def _together(streams: list[Stream]) -> Iterator[Tick]:
    for ticks in zip(*[laneway.ticks(stream) for stream in streams], strict=True):
        readings = {f"errors {index}": tick.metrics["errors"] for index, tick in enumerate(ticks)}
        yield replace(ticks[0], metrics=readings, weight=None)


def _gauges(rng: np.random.Generator) -> Rows:
    rows: list[tuple[str, ...]] = []
    for persistence in (0.0, 0.5, 0.9):
        tau = (1 + persistence) / (1 - persistence)
        cells = []
        for ratio in (1.1, 1.3):
            runs = RUNS if ratio == 1.1 else RUNS // 4
            noises = [_lasting(rng, persistence) for _ in range(runs)]
            for block in BLOCKS:
                configuration = Configuration((Metric("queue", Kind.GAUGE, block=block),), laneway.ALPHA)
                back = laneway.rolled_back(
                    [run(configuration, _gauge(noise, ratio), promotes=False) for noise in noises]
                )
                cells.append(table.hits(back, runs) if ratio > 1.1 else table.share(len(back), runs))
        rows.append((f"{tau * TICK:.0f} s", *cells))
    blocks = [f"{block:.0f} s" for block in BLOCKS]
    heads = ("autocorrelation time", *blocks, *(f"+30 % {block}" for block in blocks))
    return "Gauges at the tolerated ratio, and at 1.3 times stable, by length of a block", heads, rows


def _lasting(rng: np.random.Generator, persistence: float) -> np.ndarray:
    noise = rng.standard_normal(TICKS) * 0.1 * sqrt(1 - persistence**2)
    noise[0] = rng.standard_normal() * 0.1
    for index in range(1, TICKS):
        noise[index] += persistence * noise[index - 1]
    return noise


def _gauge(noise: np.ndarray, ratio: float) -> Iterator[Tick]:
    for index, value in enumerate(np.exp(noise + log(ratio)).tolist()):
        yield Tick(index * TICK, (index + 1) * TICK, metrics={"queue": Measured(value, 1.0)})
