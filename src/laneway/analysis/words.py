"""Evidence in words. Must not know how it is computed."""

from __future__ import annotations

from math import exp

from laneway.analysis.configuration import Configuration, Kind, Metric
from laneway.analysis.gauge import Blocks
from laneway.analysis.share import Share
from laneway.analysis.state import CountState, State
from laneway.analysis.tick import Arm


def percent(share: float) -> str:
    """A share of one as people read it, with two significant digits at least."""
    value = 100 * share
    return f"{value:.0f} %" if value >= 10 else f"{value:.1f} %" if value >= 1 else f"{value:.2g} %"


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def evidence(value: float, threshold: float) -> str:
    """An e-value against the one that decides."""
    shown = f"{value:,.0f}" if 10 <= value < 1e6 else f"{value:.2g}"
    return f"{shown} of {threshold:,.0f}"


def rollback(value: float, threshold: float, ago: float) -> str:
    """The evidence of a rollback, which may have fallen since: that it was reached is what counts."""
    if value >= threshold:
        return evidence(value, threshold)
    return f"reached {threshold:,.0f} {duration(ago)} ago"


def counts(metric: Metric, state: CountState) -> str:
    """What was counted: of a latency metric, at the edge that speaks most against the canary."""
    edge = max(range(len(state.worse)), key=lambda index: max(state.worse[index]))
    did = (
        f"took more than {metric.edges_ms[edge]:,} ms" if metric.kind is Kind.LATENCY else _verb(metric.name)
    )
    return f"{_arm(state.canary, edge, did)}, of stable's {_arm(state.stable, edge, '')}"


def _verb(name: str) -> str:
    return "failed" if name == "errors" else f"were counted as {name}"


def _arm(arm: Arm, edge: int, did: str) -> str:
    of = f"{arm.bad[edge]:,} of {arm.requests:,}{' requests' if did else ''}{' ' + did if did else ''}"
    return f"{of} ({percent(arm.bad[edge] / arm.requests)})" if arm.requests else of


def gauge(metric: Metric, blocks: Blocks) -> str:
    """What was measured."""
    if not blocks.count:
        return f"no block of {duration(metric.block)} is complete"
    ratio = exp(blocks.total / blocks.count * (-1 if metric.falls else 1))
    return f"{ratio:.2f} times stable's over {blocks.count} blocks of {duration(metric.block)}"


def share(of: Share) -> str:
    """Requests against the weight, since the weight is what it is."""
    total = of.canary + of.stable
    got = f"{of.canary:,} of {total:,} requests" + (f" ({percent(of.canary / total)})" if total else "")
    return (
        f"the canary had {got}, its weight is {percent(of.weight or 0.0)}: are they refused or not counted?"
    )


def going_on(
    configuration: Configuration,
    state: State,
    now: float,
    worse: float,
    acceptable: float,
    needed: int | None,
) -> str:
    """Why nothing is decided yet, and what that takes."""
    if state.acceptable is not None and acceptable >= 1 / configuration.false_promote:
        left = max(0.0, configuration.lag - (now - state.acceptable))
        return f"acceptable; waits {duration(left)} for requests that still run"
    known = (
        f"worse {evidence(worse, 1 / configuration.false_rollback)}, "
        f"acceptable {evidence(acceptable, 1 / configuration.false_promote)}"
    )
    if needed is None:
        return f"evidence: {known}"
    more = f"about {needed:,} more of its requests decide{_time(state, needed)}"
    return f"evidence: {known}; if the canary is as good as stable, {more}"


def _time(state: State, needed: int) -> str:
    if not state.canary or state.since is None or state.at is None or state.at <= state.since:
        return ""
    return f", {duration(needed * (state.at - state.since) / state.canary)} at its rate so far"
