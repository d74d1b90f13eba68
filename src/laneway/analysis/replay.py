"""A configuration's judge over recorded ticks: how often it errs on this traffic, and how soon it finds what.

Must not know where ticks were recorded, nor how the summary is shown. Times are seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import fmean, median
from typing import NamedTuple

from laneway.analysis.configuration import Configuration, Kind, Metric
from laneway.analysis.dispersion import observed
from laneway.analysis.interval import interval
from laneway.analysis.judge import judge
from laneway.analysis.resampling import Traffic, worse
from laneway.analysis.sampling import Generator
from laneway.analysis.state import NO_SCATTER, State
from laneway.analysis.tick import Answer, Counted, Tick
from laneway.analysis.verdict import Outcome, Verdict, verdict

EXCESSES: Mapping[Kind, Sequence[float]] = {
    Kind.COUNT: (0.001, 0.0025, 0.005, 0.01, 0.05),
    Kind.LATENCY: (0.01, 0.02, 0.05, 0.1, 0.3),
    Kind.GAUGE: (0.1, 0.25, 0.5, 1.0),
}
"""Sizes of regressions, as `resampling.worse` takes them."""
TELLING = 30
"""Ticks with bad requests from which on their scatter is within a half of the true one, nearly always."""


@dataclass(frozen=True, slots=True)
class Ended:
    """One release. after: seconds since its first tick; requests: of the canary until then."""

    outcome: Outcome
    after: float
    requests: int
    state: State


class Spread(NamedTuple):
    """Of the releases that ended so: the middle one, and the one that nine of ten are not above."""

    median: float
    p90: float


@dataclass(frozen=True, slots=True)
class Course:
    """Many releases of one kind: how many ended so, and when; None where none did.

    metric, excess: what the canary is worse in, and by how much; spent: requests, on average, that turned
    bad besides until the end.
    """

    metric: str
    excess: float
    runs: int
    rolled_back: float
    promoted: float
    rollback_after: Spread | None
    rollback_requests: Spread | None
    promoted_after: Spread | None
    promoted_requests: Spread | None
    spent: float

    @property
    def unsure(self) -> float:
        """The share that the time was too short for."""
        return max(0.0, 1 - self.rolled_back - self.promoted)

    @property
    def rollback_interval(self) -> tuple[float, float]:
        """Where the probability of a rollback lies, with 95 % confidence."""
        return interval(round(self.rolled_back * self.runs), self.runs)


@dataclass(frozen=True, slots=True)
class Replay:
    """What a configuration does on this traffic.

    healthy: resampled without a difference, so that `rolled_back` is the false-rollback rate; regressions:
    resampled with one each, by metric and size.
    """

    healthy: Course
    regressions: tuple[Course, ...]


@dataclass(frozen=True, slots=True)
class Releases:
    """What is resampled: `runs` healthy releases, and a quarter as many with each regression.

    weight: of the canaries, None for the recorded ones; lasting: seconds that one has for a verdict, None
    for as long as was recorded; hold: seconds before which none is promoted.
    """

    runs: int = 200
    weight: float | None = None
    lasting: float | None = None
    hold: float = 0.0

    def many(self, excess: float) -> int:
        """How many of one kind: a rate of a few in a thousand takes more of them than a delay."""
        return max(1, self.runs // 4) if excess else self.runs


def replay(
    configuration: Configuration,
    ticks: Sequence[Tick],
    generator: Generator,
    releases: Releases,
    excesses: Mapping[str, Sequence[float]] | None = None,
    told: Callable[[int], None] = lambda done: None,
) -> Replay:
    """Judges resampled releases without a regression, and with each.

    excesses: sizes of regressions by metric, `EXCESSES` where None; told: after each release, how many are
    done. Raises ValueError without ticks.
    """
    traffic = Traffic.of(ticks)
    done = 0

    def course(metric: str, excess: float) -> Course:
        nonlocal done
        ends = []
        for _ in range(releases.many(excess)):
            release: Iterable[Tick] = traffic.healthy(generator, releases.weight, releases.lasting)
            if excess:
                release = (worse(tick, metric, excess, generator) for tick in release)
            ends.append(run(configuration, release, hold=releases.hold))
            done += 1
            told(done)
        return _course(metric, excess, ends)

    return Replay(course("", 0.0), tuple(course(*each) for each in sizes(configuration.metrics, excesses)))


def sizes(
    metrics: Iterable[Metric], excesses: Mapping[str, Sequence[float]] | None = None
) -> list[tuple[str, float]]:
    """The regressions that are tried: metric and size."""
    found = excesses or {metric.name: EXCESSES[metric.kind] for metric in metrics}
    return [(name, excess) for name, each in found.items() for excess in each]


def run(
    configuration: Configuration, ticks: Iterable[Tick], promotes: bool = True, hold: float = 0.0
) -> Ended:
    """One release until it is decided, else unsure. promotes: else only a rollback ends it."""
    state = State()
    for tick in ticks:
        state = judge(configuration, state, tick)
        if state.worse is not None:
            return _ended(Outcome.ROLLBACK, state)
        if promotes and _may_promote(configuration, state, tick, hold):
            return _ended(Outcome.PROMOTE, state)
    return _ended(Outcome.UNSURE, state)


def _may_promote(configuration: Configuration, state: State, tick: Tick, hold: float) -> bool:
    """As a release does it, by the verdict; which is asked only where it may say so, for it takes a while."""
    since = tick.since if state.since is None else state.since
    if state.acceptable is None or tick.at < max(state.acceptable + configuration.lag, since + hold):
        return False
    return verdict(configuration, state, tick.at).outcome is Outcome.PROMOTE


def scatter(configuration: Configuration, ticks: Iterable[Tick]) -> Mapping[str, float]:
    """How much more bad requests scattered between the recorded arms than independent ones would; 1 if not.

    By metric, where there were ticks enough to say. Above 1 they come in clusters, or the arms differ:
    releases that are drawn have neither.
    """
    read = [tick for tick in ticks if tick.answer is Answer.DATA]
    found = {}
    for metric in configuration.metrics:
        squares = NO_SCATTER
        for tick in read:
            if isinstance(reading := tick.metrics.get(metric.name), Counted):
                squares = observed(squares, (reading.canary, reading.stable))
        if squares.freedom >= TELLING:
            found[metric.name] = squares.squares / squares.freedom
    return found


def said(configuration: Configuration, ended: Ended) -> Verdict:
    """What the judge says at the end, in words."""
    return verdict(configuration, ended.state, ended.state.at or 0.0)


def _ended(outcome: Outcome, state: State) -> Ended:
    after = state.at - state.since if state.at is not None and state.since is not None else 0.0
    return Ended(outcome, after, state.canary, state)


def _course(metric: str, excess: float, ends: Sequence[Ended]) -> Course:
    back = [end for end in ends if end.outcome is Outcome.ROLLBACK]
    on = [end for end in ends if end.outcome is Outcome.PROMOTE]
    return Course(
        metric=metric,
        excess=excess,
        runs=len(ends),
        rolled_back=len(back) / len(ends),
        promoted=len(on) / len(ends),
        rollback_after=_spread([end.after for end in back]),
        rollback_requests=_spread([end.requests for end in back]),
        promoted_after=_spread([end.after for end in on]),
        promoted_requests=_spread([end.requests for end in on]),
        spent=excess * fmean(end.requests for end in ends),
    )


def _spread(values: Sequence[float]) -> Spread | None:
    if not values:
        return None
    return Spread(median(values), sorted(values)[ceil(0.9 * len(values)) - 1])
