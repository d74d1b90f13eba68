"""What was read of both arms over one interval. Must not know how it was read, or what is made of it.

Times are seconds since the Unix epoch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Arm(NamedTuple):
    """Requests of one arm, and how many were bad: one count, or one for each edge of a latency metric."""

    requests: int
    bad: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class Counted:
    """A metric's counts of an interval. pods: of stable's pods one by one, where they are known."""

    canary: Arm
    stable: Arm
    pods: Sequence[Arm] = ()


class Measured(NamedTuple):
    """A gauge's readings in both arms."""

    canary: float
    stable: float


Reading = Counted | Measured


class Answer(StrEnum):
    """What the source of readings said when it was asked.

    data: both arms; absent: it answers, but lacks an arm; silent: it does not answer.
    """

    DATA = "data"
    ABSENT = "absent"
    SILENT = "silent"


class Said(NamedTuple):
    """What a metric's own source said when it was asked. why: there is no reading, in words."""

    answer: Answer
    why: str = ""


@dataclass(frozen=True, slots=True)
class Tick:
    """One interval. Requests of the arms are those that `weight`, the canary's share, should have divided.

    age: seconds since the canary's newest pod became ready, at `since`; None where it is not known: then
    the first request counts as its birth. metrics: by name; a metric without a reading is not judged now.
    said: of the metrics with a source of their own, what those said that were asked since the last tick.
    notes: why there is less than there could be, in words.
    """

    since: float
    at: float
    answer: Answer = Answer.DATA
    weight: float | None = None
    canary: int = 0
    stable: int = 0
    metrics: Mapping[str, Reading] = field(default_factory=dict)
    age: float | None = None
    said: Mapping[str, Said] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
