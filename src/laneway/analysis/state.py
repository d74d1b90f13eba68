"""All that a judge remembers between ticks, and that as plain JSON. Must not know how it changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from laneway.analysis.dispersion import Scatter
from laneway.analysis.gauge import Blocks
from laneway.analysis.share import NONE, Share
from laneway.analysis.tick import Arm

Logs = tuple[float, ...]
"""Log evidence of one bet after the other."""

NO_SCATTER = Scatter()


@dataclass(frozen=True, slots=True)
class CountState:
    """Evidence of a count or latency metric.

    worse, acceptable: for each edge, for each bet; excess, exposure: of a count metric, from which the upper
    bound of its excess is computed; canary, stable: all that was counted.
    """

    worse: tuple[Logs, ...]
    acceptable: tuple[Logs, ...]
    excess: Logs
    exposure: float
    canary: Arm
    stable: Arm
    scatter: Scatter = NO_SCATTER


MetricState = CountState | Blocks


class Heard(NamedTuple):
    """When a metric's own source last answered, had both arms, and had anything of the canary; why not."""

    answered: float | None = None
    told: float | None = None
    served: float | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """A release's evidence, over all steps. Times are seconds since the Unix epoch, None before the first.

    since: the first tick; at: the end of the last; answered, told, served: when the source last answered,
    last had both arms, and the canary last had a request; born: since when the canary serves;
    worse, acceptable: when the evidence first reached its threshold; heard: of the metrics with a source of
    their own; notes: of the last tick.
    """

    metrics: Mapping[str, MetricState] = field(default_factory=dict)
    share: Share = NONE
    since: float | None = None
    at: float | None = None
    answered: float | None = None
    told: float | None = None
    served: float | None = None
    born: float | None = None
    worse: float | None = None
    acceptable: float | None = None
    canary: int = 0
    stable: int = 0
    heard: Mapping[str, Heard] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


_TIMES = ("since", "at", "answered", "told", "served", "born", "worse", "acceptable")


def to_json(state: State) -> dict[str, Any]:
    """The state as plain JSON; what has not happened is left out."""
    times = {name: value for name in _TIMES if (value := getattr(state, name)) is not None}
    share = state.share
    return (
        times
        | {
            "requests": [state.canary, state.stable],
            "share": [share.settled, share.weight, share.canary, share.stable],
            "metrics": {name: _metric_to_json(metric) for name, metric in state.metrics.items()},
            "notes": list(state.notes),
        }
        | ({"heard": {name: list(heard) for name, heard in state.heard.items()}} if state.heard else {})
    )


def _metric_to_json(metric: MetricState) -> dict[str, Any]:
    if isinstance(metric, Blocks):
        blocks = [metric.count, metric.total, metric.squares, metric.since, metric.readings, metric.sum]
        return {"blocks": blocks}
    return {
        "worse": [list(logs) for logs in metric.worse],
        "acceptable": [list(logs) for logs in metric.acceptable],
        "excess": list(metric.excess),
        "exposure": metric.exposure,
        "canary": [metric.canary.requests, *metric.canary.bad],
        "stable": [metric.stable.requests, *metric.stable.bad],
        "scatter": list(metric.scatter),
    }


def from_json(written: Mapping[str, Any]) -> State:
    """The state that was written. Raises KeyError, TypeError or ValueError for anything else."""
    canary, stable = written["requests"]
    return State(
        metrics={name: _metric_from_json(metric) for name, metric in written["metrics"].items()},
        share=Share(*written["share"]),
        canary=canary,
        stable=stable,
        heard={name: Heard(*heard) for name, heard in written.get("heard", {}).items()},
        notes=tuple(written["notes"]),
        **{name: float(written[name]) for name in _TIMES if name in written},
    )


def _metric_from_json(written: Mapping[str, Any]) -> MetricState:
    if "blocks" in written:
        return Blocks(*written["blocks"])
    return CountState(
        worse=tuple(tuple(logs) for logs in written["worse"]),
        acceptable=tuple(tuple(logs) for logs in written["acceptable"]),
        excess=tuple(written["excess"]),
        exposure=written["exposure"],
        canary=_arm(written["canary"]),
        stable=_arm(written["stable"]),
        scatter=Scatter(*written["scatter"]),
    )


def _arm(counts: list[int]) -> Arm:
    return Arm(counts[0], tuple(counts[1:]))
