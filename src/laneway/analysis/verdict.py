"""(configuration, state, now) → what the evidence says, in words and numbers. Must not know what is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from math import exp

from laneway.analysis import counting, dispersion, words
from laneway.analysis.configuration import Configuration, Metric
from laneway.analysis.judge import (
    evidence_worse,
    is_acceptable,
    metric_acceptable,
    metric_state,
    metric_worse,
    share_broken,
)
from laneway.analysis.remaining import requests_to_promote
from laneway.analysis.state import CountState, Heard, State

GREATEST = 700.0
"""Log evidence that is still a finite number as such."""


class Outcome(StrEnum):
    """What the evidence comes to.

    promote, rollback: decided; go on: readings come in, and no bound is reached yet; unsure: they do not, or
    cannot be trusted. Neither of the last two is a pass or a failure.
    """

    PROMOTE = "promote"
    ROLLBACK = "rollback"
    GO_ON = "go on"
    UNSURE = "unsure"


class Lack(StrEnum):
    """Why a judge is unsure, for whoever has to tell them apart."""

    SOURCE = "source is silent"
    DATA = "no data"
    TRAFFIC = "no traffic"
    SHARE = "traffic misses its weight"


@dataclass(frozen=True, slots=True)
class MetricVerdict:
    """One metric.

    worse, acceptable: evidence, 1 at the start; needed: requests of the canary until it is shown
    acceptable, were it as good as stable, None if unknown; excess: bound on that of its bad share; phi:
    dispersion.
    """

    name: str
    worse: float
    acceptable: float
    words: str
    needed: int | None = None
    excess: float | None = None
    phi: float = 1.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a release.

    worse: evidence over all metrics, of `rollback_at`; acceptable: of the metric that has least, of
    `promote_at`; needed: as in MetricVerdict, of the metric that needs most; lacks: by kind, each in words;
    notes: what the last tick left out.
    """

    outcome: Outcome
    reason: str
    worse: float
    rollback_at: float
    acceptable: float
    promote_at: float
    needed: int | None
    excess: float | None
    metrics: tuple[MetricVerdict, ...]
    lacks: tuple[tuple[Lack, str], ...] = ()
    notes: tuple[str, ...] = ()


def verdict(configuration: Configuration, state: State, now: float) -> Verdict:
    """What is known at `now` (seconds since the Unix epoch)."""
    metrics = tuple(_metric(configuration, metric, state) for metric in configuration.metrics)
    lacks = _lacks(configuration, state, now)
    needs = [metric.needed for metric in metrics if metric.needed is not None]
    needed = max(needs) if len(needs) == len(metrics) else None
    outcome = _outcome(configuration, state, now, lacks)
    found = Verdict(
        outcome=outcome,
        reason="",
        worse=_number(evidence_worse(configuration, state)),
        rollback_at=1 / configuration.false_rollback,
        acceptable=min(metric.acceptable for metric in metrics),
        promote_at=1 / configuration.false_promote,
        needed=needed,
        excess=max((metric.excess for metric in metrics if metric.excess is not None), default=None),
        metrics=metrics,
        lacks=lacks,
        notes=state.notes,
    )
    return replace(found, reason=_reason(configuration, state, now, found))


def _outcome(
    configuration: Configuration, state: State, now: float, lacks: tuple[tuple[Lack, str], ...]
) -> Outcome:
    """A rollback first; no promotion without trust in the readings, nor before late failures are counted."""
    if state.worse is not None:
        return Outcome.ROLLBACK
    kinds = {lack for lack, _ in lacks}
    acceptable = is_acceptable(configuration, state)
    if kinds - {Lack.TRAFFIC} or (kinds and not acceptable):
        return Outcome.UNSURE
    if acceptable and state.acceptable is not None and now - state.acceptable >= configuration.lag:
        return Outcome.PROMOTE
    return Outcome.GO_ON


def _lacks(configuration: Configuration, state: State, now: float) -> tuple[tuple[Lack, str], ...]:
    """What is missing now. The first explains the others, so it stands alone; a share may join it."""
    if state.since is None:
        return ((Lack.DATA, "nothing was read yet"),)

    def silent(last: float | None) -> float | None:
        since = now - (last if last is not None else state.since or now)
        return since if since > configuration.silence else None

    missing: tuple[tuple[Lack, str], ...] = ()
    if (lasting := silent(state.answered)) is not None:
        missing = ((Lack.SOURCE, f"the source of counts has not answered for {words.duration(lasting)}"),)
    elif (lasting := silent(state.told)) is not None:
        detail = f" ({'; '.join(state.notes)})" if state.notes else ""
        missing = (
            (Lack.DATA, f"the source answers, but has not both arms for {words.duration(lasting)}{detail}"),
        )
    elif (lasting := silent(state.served)) is not None:
        missing = ((Lack.TRAFFIC, f"no request has reached the canary for {words.duration(lasting)}"),)
    else:
        missing = tuple(_lacks_of_metrics(configuration, state, silent))
    if share_broken(configuration, state):
        missing += ((Lack.SHARE, words.share(state.share)),)
    return missing


def _lacks_of_metrics(
    configuration: Configuration, state: State, silent: Callable[[float | None], float | None]
) -> Iterator[tuple[Lack, str]]:
    """What is missing of each metric with a source of its own."""
    for metric in configuration.metrics:
        if not metric.source:
            continue
        heard = state.heard.get(metric.name, Heard())
        why = f" ({heard.why})" if heard.why else ""
        if (lasting := silent(heard.answered)) is not None:
            text = f"{metric.name}: {metric.source} has not answered for {words.duration(lasting)}{why}"
            yield Lack.SOURCE, text
        elif (lasting := silent(heard.told)) is not None:
            text = f"{metric.name}: {metric.source} answers, but without data for {words.duration(lasting)}"
            yield Lack.DATA, text + why
        elif (lasting := silent(heard.served)) is not None:
            text = f"{metric.name}: {metric.source} has counted nothing of the canary for"
            yield Lack.TRAFFIC, f"{text} {words.duration(lasting)}"


def _metric(configuration: Configuration, metric: Metric, state: State) -> MetricVerdict:
    of = metric_state(metric, state)
    worse, acceptable = _number(metric_worse(metric, of)), _number(metric_acceptable(metric, of))
    if not isinstance(of, CountState):
        return MetricVerdict(metric.name, worse, acceptable, words.gauge(metric, of))
    return MetricVerdict(
        name=metric.name,
        worse=worse,
        acceptable=acceptable,
        words=words.counts(metric, of),
        needed=requests_to_promote(metric, of, configuration.false_promote),
        excess=counting.upper_bound(of, configuration.false_promote),
        phi=dispersion.phi(of.scatter, metric.phi),
    )


def _number(evidence: float) -> float:
    return exp(min(evidence, GREATEST))


def _reason(configuration: Configuration, state: State, now: float, found: Verdict) -> str:
    match found.outcome:
        case Outcome.ROLLBACK:
            worst = max(found.metrics, key=lambda metric: metric.worse)
            evidence = words.rollback(found.worse, found.rollback_at, now - (state.worse or now))
            return f"the canary is worse than tolerated in {worst.name}: {worst.words}; evidence {evidence}"
        case Outcome.PROMOTE:
            said = "; ".join(f"{metric.name}: {metric.words}" for metric in found.metrics)
            evidence = words.evidence(found.acceptable, found.promote_at)
            return f"the canary is acceptable in every metric: {said}; evidence {evidence}"
        case Outcome.UNSURE:
            return "; ".join(text for _, text in found.lacks)
        case Outcome.GO_ON:
            return words.going_on(configuration, state, now, found.worse, found.acceptable, found.needed)
