"""A tick's counts of one metric → its evidence after the tick. Must not know of other metrics or of time."""

from __future__ import annotations

from math import log

from laneway.analysis import bets, dispersion
from laneway.analysis.configuration import Kind, Margin, Metric
from laneway.analysis.mixture import least_rise, log_mean
from laneway.analysis.state import CountState
from laneway.analysis.tick import Arm, Counted

EQUAL = Margin()


def fresh(metric: Metric) -> CountState:
    """Before the first tick: every bet's evidence is 1."""
    worse, acceptable = (0.0,) * len(bets.TIMES_WORSE), (0.0,) * len(bets.BOLDNESS)
    none = Arm(0, (0,) * metric.width)
    return CountState(
        worse=(worse,) * metric.width,
        acceptable=(acceptable,) * metric.width,
        excess=acceptable if metric.kind is Kind.COUNT else (),
        exposure=0.0,
        canary=none,
        stable=none,
    )


def fits(metric: Metric, state: CountState) -> bool:
    """Whether the evidence was gathered by these bets, at as many edges."""
    shape = (len(bets.TIMES_WORSE), len(bets.BOLDNESS), metric.width)
    return (len(state.worse[0]), len(state.acceptable[0]), len(state.worse)) == shape


def counted(metric: Metric, state: CountState, tick: Counted) -> CountState:
    """After this tick. All edges share one set of bets, which depends on the numbers of requests only."""
    canary, stable = tick.canary, tick.stable
    scatter = dispersion.observed(state.scatter, tick.pods)
    phi = dispersion.phi(scatter, metric.phi, len(tick.pods))
    on_worse = bets.on_worse(canary.requests, stable.requests, metric.tolerate)
    on_acceptable = bets.on_acceptable(canary.requests, stable.requests, metric.refuse)
    edges = tuple(zip(canary.bad, stable.bad, strict=True))
    excess, exposure = state.excess, state.exposure
    if excess:
        equal = bets.on_acceptable(canary.requests, stable.requests, EQUAL)
        excess = bets.placed(excess, equal, *edges[0], phi)
        exposure += canary.requests / phi
    return CountState(
        tuple([bets.placed(logs, on_worse, *bad, phi) for logs, bad in zip(state.worse, edges, strict=True)]),
        tuple(
            [
                bets.placed(logs, on_acceptable, *bad, phi)
                for logs, bad in zip(state.acceptable, edges, strict=True)
            ]
        ),
        excess,
        exposure,
        _sum(state.canary, canary),
        _sum(state.stable, stable),
        scatter,
    )


def _sum(arm: Arm, more: Arm) -> Arm:
    return Arm(arm.requests + more.requests, tuple([a + b for a, b in zip(arm.bad, more.bad, strict=True)]))


def evidence_worse(state: CountState) -> float:
    """Log evidence that the canary is worse than tolerated: the mean over edges of the means over bets.

    Null hypothesis of a latency metric: at every edge no more requests of the canary are slower than
    tolerated.
    """
    return log_mean([log_mean(logs) for logs in state.worse])


def evidence_acceptable(state: CountState) -> float:
    """Log evidence that the canary is better than refused: at the edge where that is shown least."""
    return min(log_mean(logs) for logs in state.acceptable)


def ceilings(state: CountState) -> tuple[float, float]:
    """What the log evidence for worse and for acceptable is at most: a mean is at most its greatest part.

    Costs a tenth of the evidence, and shows at most ticks that no threshold is reached.
    """
    return max(map(max, state.worse)), min(map(max, state.acceptable))


def upper_bound(state: CountState, false_promote: float) -> float | None:
    """How much the canary's bad share exceeds stable's at most, with confidence 1 - false_promote.

    A confidence sequence: one statement about all times. Every excess d for which the evidence against
    p_c >= p_b + d has reached 1 / false_promote is excluded. None for a latency metric.
    """
    if not state.excess:
        return None
    slopes = [state.exposure * slope for slope in bets.SLOPES]
    least = least_rise(state.excess, slopes, log(1 / false_promote), 1.0)
    return 1.0 if least is None else least
