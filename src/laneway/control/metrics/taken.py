"""What a judge has taken in of metrics of one's own: each answer counts once, also over restarts. Pure.

A record keeps it beside the evidence that it led to. Must not know who asks the sources.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple

from laneway.analysis.tick import Counted, Measured, Reading, Tick
from laneway.control.metrics.sample import Counters, MetricId, Read, counted, kept
from laneway.plan.result import Asked, Comparison


class Taken(NamedTuple):
    """Of one metric. asked: a digest of the questions; at: when they were asked last."""

    asked: str
    at: datetime
    canary: Counters
    stable: Counters


_NOTHING = Counters({}, {})


def with_others(
    tick: Tick, comparison: Comparison, taken: Mapping[str, Taken], read: Mapping[MetricId, Read]
) -> tuple[Tick, Mapping[str, Taken]]:
    """The tick with what was read since the last one, and what is taken in after it."""
    metrics, said, after = dict(tick.metrics), dict(tick.said), dict(taken)
    for asked in comparison.asked:
        found = read.get(MetricId(comparison.release, comparison.since, asked.metric))
        before, digest = taken.get(asked.metric), _digest(asked)
        if before is not None and before.asked != digest:
            before = None  # another question has other counters
        if found is None or (before is not None and found.at <= before.at):
            continue
        after[asked.metric], reading, why = _taken_in(before, digest, found)
        said[asked.metric] = found.said._replace(why=found.said.why or why)
        if reading is not None:
            metrics[asked.metric] = reading
    return replace(tick, metrics=metrics, said=said), after


def _taken_in(before: Taken | None, digest: str, read: Read) -> tuple[Taken, Reading | None, str]:
    """The memory after a reading, what that says, and why it says nothing."""
    last = before or Taken(digest, read.at, _NOTHING, _NOTHING)
    match read.canary, read.stable:
        case float() as canary, float() as stable:
            return last._replace(at=read.at), Measured(canary, stable), ""
        case Counters() as canary_now, Counters() as stable_now:
            after = Taken(digest, read.at, kept(last.canary, canary_now), kept(last.stable, stable_now))
            if last.canary == last.stable == _NOTHING:
                return after, None, "counted from its first answer on"
            canary_arm, no_canary = counted(last.canary, canary_now)
            stable_arm, no_stable = counted(last.stable, stable_now)
            if canary_arm is None or stable_arm is None:
                return after, None, no_canary or no_stable
            return after, Counted(canary_arm, stable_arm), ""
    return last._replace(at=read.at), None, ""


def _digest(asked: Asked) -> str:
    """The same for the same questions."""
    told = "\n".join(each.model_dump_json() for each in (asked.canary, asked.stable))
    return blake2b(told.encode(), digest_size=6).hexdigest()


def to_written(taken: Mapping[str, Taken]) -> dict[str, Any]:
    """As plain JSON."""
    return {
        name: [each.asked, each.at.isoformat(), *each.canary, *each.stable] for name, each in taken.items()
    }


def from_written(written: Mapping[str, Any]) -> dict[str, Taken]:
    """What was written. Raises TypeError or ValueError for anything else."""
    return {name: _read(*each) for name, each in written.items()}


def _read(asked: str, at: str, *series: dict[str, int]) -> Taken:
    canary_bad, canary_of, stable_bad, stable_of = series
    moment = datetime.fromisoformat(at)
    return Taken(asked, moment, Counters(canary_bad, canary_of), Counters(stable_bad, stable_of))
