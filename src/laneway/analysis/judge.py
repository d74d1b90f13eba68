"""(configuration, state, tick) → state: how evidence grows. Must not know what follows from it (`verdict`).

Over all steps of a release the evidence is one process, so the false-rollback rate is the release's, not a
step's. The metrics' evidence for worse is averaged with their shares as weights: an e-process under the
hypothesis that no metric is worse than tolerated, however the metrics depend on each other. By Ville's
inequality it ever reaches 1 / alpha with probability at most alpha. A canary is shown acceptable only where
every metric is: where some metric refuses it, that metric's evidence reaches 1 / beta with probability at
most beta, and so does the least of all (an intersection-union test: Berger, "Multiparameter hypothesis
testing and acceptance sampling", 1982), with no correction for their number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import inf, log

from laneway.analysis import counting, gauge, share
from laneway.analysis.configuration import Configuration, Kind, Metric
from laneway.analysis.mixture import log_sum
from laneway.analysis.state import CountState, Heard, MetricState, State
from laneway.analysis.tick import Answer, Counted, Measured, Reading, Tick

OVERLAP = "a reading that is not newer than the last is not counted"


def judge(configuration: Configuration, state: State, tick: Tick) -> State:
    """The state after this tick. One that is not wholly after the last changes nothing but the notes."""
    if not _is_newer(state, tick):
        return replace(state, notes=(*tick.notes, OVERLAP))
    since = tick.since if state.since is None else state.since
    if tick.answer is not Answer.DATA:
        answered = tick.at if tick.answer is Answer.ABSENT else state.answered
        return replace(state, since=since, at=tick.at, answered=answered, notes=tick.notes)
    return _decided(configuration, _counted(configuration, state, tick, since))


def _is_newer(state: State, tick: Tick) -> bool:
    """A missing reading takes no time: what the next one counts reaches back to the last that was read."""
    since = state.told if tick.answer is Answer.DATA else None
    return (
        tick.at > tick.since
        and (state.at is None or tick.at > state.at)
        and (since is None or tick.since >= since)
    )


def _counted(configuration: Configuration, state: State, tick: Tick, since: float) -> State:
    born = tick.since if state.born is None and tick.canary else state.born
    age = tick.age if tick.age is not None else tick.since - (tick.since if born is None else born)
    warming = [metric.name for metric in configuration.metrics if age < metric.warm_up]
    metrics = {
        metric.name: _after(metric, state, tick, metric.name in warming) for metric in configuration.metrics
    }
    told = (f"{' and '.join(warming)}: not counted while the canary warms up",) if warming else ()
    return State(
        metrics=metrics,
        share=_shared(configuration, state, tick),
        since=since,
        at=tick.at,
        answered=tick.at,
        told=tick.at,
        served=tick.at if tick.canary else state.served,
        born=born,
        worse=state.worse,
        acceptable=state.acceptable,
        canary=state.canary + tick.canary,
        stable=state.stable + tick.stable,
        heard=_heard(state, tick),
        notes=(*tick.notes, *told),
    )


def _heard(state: State, tick: Tick) -> Mapping[str, Heard]:
    if not tick.said:
        return state.heard
    heard = dict(state.heard)
    for name, said in tick.said.items():
        before, has = heard.get(name, Heard()), said.answer is Answer.DATA
        heard[name] = Heard(
            answered=before.answered if said.answer is Answer.SILENT else tick.at,
            told=tick.at if has else before.told,
            served=tick.at if _serves(tick.metrics.get(name)) else before.served,
            why=said.why,
        )
    return heard


def _serves(reading: Reading | None) -> bool:
    """Whether it has anything of the canary."""
    return isinstance(reading, Measured) or (isinstance(reading, Counted) and reading.canary.requests > 0)


def _shared(configuration: Configuration, state: State, tick: Tick) -> share.Share:
    tolerance = configuration.share_tolerance
    if tolerance is None or tick.weight is None:
        return state.share
    return share.counted(state.share, tick.weight, tick.canary, tick.stable, tolerance)


def metric_state(metric: Metric, state: State) -> MetricState:
    """The metric's evidence; a fresh one where it has none that fits."""
    found = state.metrics.get(metric.name)
    if metric.kind is Kind.GAUGE:
        return found if isinstance(found, gauge.Blocks) else gauge.Blocks()
    fits = isinstance(found, CountState) and counting.fits(metric, found)
    return found if found is not None and fits else counting.fresh(metric)


def _after(metric: Metric, state: State, tick: Tick, warming: bool) -> MetricState:
    before, reading = metric_state(metric, state), tick.metrics.get(metric.name)
    if reading is None or warming:
        return before
    return _read(metric, before, tick, reading)


def _read(metric: Metric, before: MetricState, tick: Tick, reading: Reading) -> MetricState:
    """Raises TypeError for a reading that is not of the metric's kind."""
    match before, reading:
        case CountState(), Counted():
            return counting.counted(metric, before, reading)
        case gauge.Blocks(), Measured(canary, stable):
            if not (canary > 0 and stable > 0):
                return before
            ratio = log(canary / stable) * (-1 if metric.falls else 1)
            return gauge.read(before, tick.since, tick.at, ratio, metric.block)
    raise TypeError(f"metric {metric.name} is of kind {metric.kind}, not {type(reading).__name__}")


def _decided(configuration: Configuration, state: State) -> State:
    """When a threshold is first reached stays known: the inequality is about ever reaching it."""
    worse = state.worse is None and is_worse(configuration, state)
    acceptable = state.acceptable is None and is_acceptable(configuration, state)
    if not (worse or acceptable):
        return state
    return replace(
        state,
        worse=state.at if worse else state.worse,
        acceptable=state.at if acceptable else state.acceptable,
    )


def is_worse(configuration: Configuration, state: State) -> bool:
    """Whether the evidence for worse reaches its threshold now."""
    threshold = log(1 / configuration.false_rollback)
    if all(_ceilings(metric)[0] < threshold for metric in state.metrics.values()):
        return False
    return evidence_worse(configuration, state) >= threshold


def _ceilings(state: MetricState) -> tuple[float, float]:
    return counting.ceilings(state) if isinstance(state, CountState) else (inf, inf)


def evidence_worse(configuration: Configuration, state: State) -> float:
    """Log evidence that some metric is worse than tolerated, over all metrics."""
    shares = configuration.shares
    return log_sum(
        [
            log(shares[metric.name]) + metric_worse(metric, metric_state(metric, state))
            for metric in configuration.metrics
        ]
    )


def is_acceptable(configuration: Configuration, state: State) -> bool:
    """Whether every metric's evidence for acceptable reaches its threshold now."""
    threshold = log(1 / configuration.false_promote)
    if any(_ceilings(metric)[1] < threshold for metric in state.metrics.values()):
        return False
    return all(
        metric_acceptable(metric, metric_state(metric, state)) >= threshold
        for metric in configuration.metrics
    )


def metric_worse(metric: Metric, state: MetricState) -> float:
    """Log evidence that one metric is worse than tolerated."""
    if isinstance(state, CountState):
        return counting.evidence_worse(state)
    return gauge.evidence_above(state, log(metric.tolerate.ratio))


def metric_acceptable(metric: Metric, state: MetricState) -> float:
    """Log evidence that one metric is better than refused."""
    if isinstance(state, CountState):
        return counting.evidence_acceptable(state)
    return gauge.evidence_above(state, log(metric.refuse.ratio), sign=-1)


def share_broken(configuration: Configuration, state: State) -> bool:
    """Whether the canary's share of the requests is shown to miss its weight, at the false-rollback rate."""
    tolerance = configuration.share_tolerance
    if tolerance is None:
        return False
    return share.evidence(state.share, tolerance) >= log(1 / configuration.false_rollback)
