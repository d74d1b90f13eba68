"""A configuration's judge over recorded ticks: how often it errs on this traffic, and how soon it finds what.

Must not know where ticks were recorded, nor how the summary is shown. Times are seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from laneway.analysis.configuration import Configuration
from laneway.analysis.judge import judge
from laneway.analysis.resampling import healthy, worse
from laneway.analysis.sampling import Generator
from laneway.analysis.state import State
from laneway.analysis.tick import Tick
from laneway.analysis.verdict import Outcome

EXCESSES = (0.001, 0.0025, 0.005, 0.01, 0.05)


@dataclass(frozen=True, slots=True)
class Ended:
    """One release. after: seconds since its first tick; requests: of the canary until then."""

    outcome: Outcome
    after: float
    requests: int
    state: State


@dataclass(frozen=True, slots=True)
class Course:
    """Many releases of one kind: the shares that ended so, and medians over these, None without one."""

    excess: float
    runs: int
    rolled_back: float
    promoted: float
    rollback_after: float | None
    rollback_requests: float | None
    promoted_after: float | None
    promoted_requests: float | None

    @property
    def unsure(self) -> float:
        """The share that the recording was too short for."""
        return 1 - self.rolled_back - self.promoted


@dataclass(frozen=True, slots=True)
class Replay:
    """What a configuration does on this traffic.

    recorded: the recording as it is; healthy: resampled without a difference, so that `rolled_back` is the
    false-rollback rate; regressions: resampled with one each, by its size.
    """

    recorded: Ended
    healthy: Course
    regressions: tuple[Course, ...]


def replay(
    configuration: Configuration,
    ticks: Sequence[Tick],
    generator: Generator,
    runs: int = 200,
    excesses: Sequence[float] = EXCESSES,
    metric: str = "errors",
    weight: float | None = None,
) -> Replay:
    """Judges the recording, and `runs` resampled releases for each excess and for none.

    metric: to which the excess is added (`resampling.worse`); weight: of the resampled canaries, None for the
    recorded ones. Raises ValueError without ticks.
    """
    if not ticks:
        raise ValueError("nothing was recorded")

    def course(excess: float) -> Course:
        ends = []
        for _ in range(runs):
            release = healthy(ticks, generator, weight)
            changed = (worse(tick, metric, excess, generator) if excess else tick for tick in release)
            ends.append(run(configuration, changed))
        return _course(excess, ends)

    return Replay(run(configuration, ticks), course(0.0), tuple(course(excess) for excess in excesses))


def run(configuration: Configuration, ticks: Iterable[Tick], promotes: bool = True) -> Ended:
    """One release until it is decided, else unsure. promotes: else only a rollback ends it."""
    state = State()
    for tick in ticks:
        state = judge(configuration, state, tick)
        if state.worse is not None:
            return _ended(Outcome.ROLLBACK, state)
        if promotes and state.acceptable is not None and tick.at >= state.acceptable + configuration.lag:
            return _ended(Outcome.PROMOTE, state)
    return _ended(Outcome.UNSURE, state)


def _ended(outcome: Outcome, state: State) -> Ended:
    after = state.at - state.since if state.at is not None and state.since is not None else 0.0
    return Ended(outcome, after, state.canary, state)


def _course(excess: float, ends: Sequence[Ended]) -> Course:
    back = [end for end in ends if end.outcome is Outcome.ROLLBACK]
    on = [end for end in ends if end.outcome is Outcome.PROMOTE]
    return Course(
        excess=excess,
        runs=len(ends),
        rolled_back=len(back) / len(ends),
        promoted=len(on) / len(ends),
        rollback_after=_median([end.after for end in back]),
        rollback_requests=_median([end.requests for end in back]),
        promoted_after=_median([end.after for end in on]),
        promoted_requests=_median([end.requests for end in on]),
    )


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None
