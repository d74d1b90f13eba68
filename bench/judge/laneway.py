"""Laneway's own judge over simulated traffic: its real code, tick by tick."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bench.judge.traffic import TICK, Stream
from laneway.analysis.configuration import Configuration, Kind, Margin, Metric
from laneway.analysis.judge import judge
from laneway.analysis.state import State
from laneway.analysis.tick import Arm, Counted, Tick

ALPHA = 0.01


@dataclass(frozen=True)
class Ended:
    """When the release was found worse and acceptable, in minutes, and the canary's requests until then."""

    worse: float | None = None
    acceptable: float | None = None
    requests_worse: int = 0
    requests_acceptable: int = 0

    @property
    def rolled_back(self) -> bool:
        """Whether worse came first."""
        return self.worse is not None and (self.acceptable is None or self.worse <= self.acceptable)

    @property
    def promoted(self) -> bool:
        """Whether acceptable came first."""
        return self.acceptable is not None and not self.rolled_back


def configuration(ratio: float = 1.1, plus: float = 0.0005, phi: float = 1.0) -> Configuration:
    """Errors alone, with what is tolerated."""
    refuse = Margin(max(ratio, 1.25), max(plus, 0.0025))
    metric = Metric("errors", Kind.COUNT, Margin(ratio, plus), refuse, phi=phi)
    return Configuration((metric,), false_rollback=ALPHA)


BARE = configuration(1.0, 0.0)
"""No margin, as the peers have none: what the issue's figures are about."""
DEFAULT = configuration()


def ticks(stream: Stream, name: str = "errors") -> Iterator[Tick]:
    """The stream as a judge reads it."""
    wide = stream.canary_bad.ndim > 1
    columns = (stream.canary, stream.stable, stream.canary_bad, stream.stable_bad, stream.weights)
    for index, (nc, nb, xc, xb, weight) in enumerate(zip(*[each.tolist() for each in columns], strict=True)):
        canary = Arm(nc, tuple(xc) if wide else (xc,))
        stable = Arm(nb, tuple(xb) if wide else (xb,))
        yield Tick(
            since=index * TICK,
            at=(index + 1) * TICK,
            weight=weight,
            canary=nc,
            stable=nb,
            metrics={name: Counted(canary, stable)},
        )


def judged(configuration: Configuration, read: Iterable[Tick], on: bool = False) -> Ended:
    """The release's end. on: it is not promoted, so that the whole hour tries to roll it back."""
    state = State()
    acceptable: tuple[float | None, int] = (None, 0)
    for tick in read:
        state = judge(configuration, state, tick)
        if state.acceptable is not None and acceptable[0] is None:
            acceptable = ((state.acceptable + configuration.lag) / 60, state.canary)
        if state.worse is not None:
            return Ended(state.worse / 60, acceptable[0], state.canary, acceptable[1])
        if acceptable[0] is not None and acceptable[0] * 60 <= tick.at and not on:
            break
    return Ended(None, acceptable[0], 0, acceptable[1])
