"""Ticks for tests: one interval of a quarter of a minute after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from laneway.analysis.configuration import Configuration, Kind, Margin, Metric
from laneway.analysis.judge import judge
from laneway.analysis.state import State
from laneway.analysis.tick import Answer, Arm, Counted, Tick

TICK = 15.0
EQUAL = Margin()
BARE = Metric("errors", Kind.COUNT, EQUAL, Margin(1.25, 0.0025))
"""Without a margin: any difference is worse."""


def counts(canary: int, canary_bad: int, stable: int, stable_bad: int) -> Counted:
    """One count."""
    return Counted(Arm(canary, (canary_bad,)), Arm(stable, (stable_bad,)))


def tick(index: int, reading: Counted | None = None, **fields: Any) -> Tick:
    """The index-th interval, with a reading of errors."""
    given: dict[str, Any] = {"since": index * TICK, "at": (index + 1) * TICK}
    if reading is not None:
        given |= {"canary": reading.canary.requests, "stable": reading.stable.requests}
        given |= {"metrics": {"errors": reading}}
    return Tick(**(given | fields))


def silent(index: int, answer: Answer = Answer.SILENT) -> Tick:
    """An interval without data."""
    return tick(index, answer=answer)


def judged(configuration: Configuration, ticks: Iterable[Tick], state: State | None = None) -> State:
    """The state after these ticks."""
    found = state or State()
    for each in ticks:
        found = judge(configuration, found, each)
    return found


def steady(many: int, reading: Counted, start: int = 0) -> Sequence[Tick]:
    """The same counts again and again."""
    return [tick(start + index, reading) for index in range(many)]


ERRORS_ONLY = Configuration((Metric("errors"),))
