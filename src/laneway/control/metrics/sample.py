"""What a metric's source says of one version, and what was counted from one such answer to the next. Pure.

The answers are counters as they stand, so that whoever missed some misses nothing but time. A counter that
is smaller than before began anew: where it is one pod's it counts from nothing, as in Prometheus. Where it
may be a sum, a pod may have left it just as well: then nothing is counted until the next answer, for what
had been counted would be counted again. Must not know how an answer came.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

from laneway.analysis.tick import Arm, Said
from laneway.spec.meta import Key

SERIES_MAX = 200
"""Of a question about a version: all of them are remembered, in the record of the release."""
_KEPT_MAX = 2 * SERIES_MAX

Series = Mapping[str, int]
"""Counters by what tells them apart."""

_PROCESSES = frozenset({"pod", "instance"})
"""Labels of what one process counts. What is counted without them may be a sum."""
_PROCESS, _SUM = "p", "s"


class Counters(NamedTuple):
    """bad: of those that `of` counts."""

    bad: Series
    of: Series


Sample = Counters | float
"""Counters, or the value of a gauge."""


class MetricId(NamedTuple):
    """A metric of a release, since that began."""

    release: Key
    since: datetime
    metric: str


@dataclass(frozen=True, slots=True)
class Read:
    """Both versions, asked at one moment; None where there is no sample."""

    at: datetime
    said: Said
    canary: Sample | None = None
    stable: Sample | None = None


def series_of(labels: Mapping[str, str]) -> str:
    """A short name of a counter, the same each time."""
    digest = blake2b(json.dumps(sorted(labels.items())).encode(), digest_size=6).hexdigest()
    return (_SUM if _PROCESSES.isdisjoint(labels) else _PROCESS) + digest


def counted(before: Counters, now: Counters) -> tuple[Arm | None, str]:
    """What was counted since; None and why where nothing can be said of that time.

    A counter that was not there counts in full: many are there only from their first count on.
    """
    bad, of = _grown(before.bad, now.bad), _grown(before.of, now.of)
    if bad is None or of is None:
        return None, "a counter fell: a pod left the sum, or it began anew; counted from here on"
    if bad > of:
        return None, f"{bad} were bad of {of}: what `bad` counts is not part of `of`"
    return Arm(of, (bad,)), ""


def _grown(before: Series, now: Series) -> int | None:
    total = 0
    for name, count in now.items():
        earlier = before.get(name, 0)
        if count >= earlier:
            total += count - earlier
        elif name.startswith(_PROCESS):
            total += count
        else:
            return None
    return total


def kept(before: Counters, now: Counters) -> Counters:
    """What the next answer is compared with. A counter that is gone may come back, and goes on then."""
    return Counters(_kept(before.bad, now.bad), _kept(before.of, now.of))


def _kept(before: Series, now: Series) -> Series:
    both = {**before, **now}
    return both if len(both) <= _KEPT_MAX else now
