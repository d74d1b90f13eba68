"""Judges releases while they run: what was counted since the last look becomes a tick, and evidence.

Owns the judges' memories between passes; records keep them for longer. Must not know who counts, nor what
becomes of a verdict.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from laneway.analysis.configuration import Configuration, Kind, Metric
from laneway.analysis.judge import judge
from laneway.analysis.state import State, from_json, to_json
from laneway.analysis.tick import Answer, Arm, Counted, Tick
from laneway.analysis.verdict import verdict
from laneway.control.metrics.sample import MetricId, Read
from laneway.control.metrics.taken import Taken, from_written, to_written, with_others
from laneway.plan.judging import counted_for
from laneway.plan.observed import Counts, CountsId
from laneway.plan.result import Comparison
from laneway.spec.failure_codes import FailureCodes
from laneway.spec.meta import Key
from laneway.spec.release import Judged
from laneway.spec.values import FULL

READ_EVERY = timedelta(seconds=5)
"""How often other words are news: people could not read them faster."""

log = logging.getLogger(__name__)


class Pair(NamedTuple):
    """The counts of both sides, since the release began."""

    canary: Counts
    stable: Counts


@dataclass(slots=True)
class _Case:
    """One release.

    seen: what the memory has taken in, until `until`; taken: the same of other metrics; codes: what was
    counted as an error; told: what was news last.
    """

    comparison: Comparison
    state: State = field(default_factory=State)
    seen: Pair = Pair(Counts(), Counts())  # noqa: RUF009 - frozen
    until: datetime | None = None
    judged: Judged | None = None
    taken: Mapping[str, Taken] = field(default_factory=dict)
    codes: FailureCodes | None = None
    told: Judged | None = None


class Judging:
    """The judges of one engine. settles: how long after a new weight counts may be of the one before."""

    def __init__(self, settles: timedelta = timedelta(seconds=2)) -> None:
        self._settles = settles
        self._cases: dict[Key, _Case] = {}

    @property
    def judged(self) -> Mapping[Key, Judged]:
        """What is known of each release by now."""
        return {key: case.judged for key, case in self._cases.items() if case.judged}

    def set(self, comparisons: Iterable[Comparison]) -> None:
        """What shall be judged from now on, and nothing else."""
        before, self._cases = self._cases, {}
        for comparison in comparisons:
            case = before.get(comparison.release)
            if case is None or case.comparison.since != comparison.since:
                case = _taken_up(comparison)
            case.comparison = comparison
            self._cases[comparison.release] = case

    def read(
        self,
        counts: Mapping[CountsId, Counts],
        now: datetime,
        *,
        answers: bool = True,
        others: Mapping[MetricId, Read] = MappingProxyType({}),
    ) -> frozenset[Key]:
        """Take in what was counted by now. answers: whether who counts does; others: metrics of one's own.

        Returns what is known anew.
        """
        return frozenset(
            key for key, case in self._cases.items() if self._tick(case, counts, now, answers, others)
        )

    def _tick(
        self,
        case: _Case,
        counts: Mapping[CountsId, Counts],
        now: datetime,
        answers: bool,
        others: Mapping[MetricId, Read],
    ) -> bool:
        since = case.until or case.comparison.since
        if now <= since:
            return False
        found = [counts.get(each) for each in counted_for(case.comparison)]
        pair = Pair(*found) if answers and all(found) else None  # type: ignore[arg-type]
        if pair is not None and case.codes != case.comparison.codes:
            case.seen, case.codes = pair, case.comparison.codes  # other codes have other counts
        if pair is not None and _fell(case.seen, pair):
            pair = None  # a later answer of the same counter is larger again
        terms = case.comparison.terms
        if pair is None:
            answer = Answer.ABSENT if answers else Answer.SILENT
            tick = Tick(since.timestamp(), now.timestamp(), answer)
        else:
            tick = _tick(terms, case.seen, pair, since, now, self._weight(case.comparison, since))
            tick, case.taken = with_others(tick, case.comparison, case.taken, others)
            case.seen, case.until = pair, now
        case.state = judge(terms, case.state, tick)
        said = verdict(terms, case.state, now.timestamp())
        case.judged = Judged(
            at=now,
            outcome=said.outcome.value,
            words=said.reason,
            state=_remembered(case),
            excess=next((each.excess for each in said.metrics if each.name == "errors"), None),
        )
        if not _is_news(case.told, case.judged):
            return False
        case.told = case.judged
        return True

    def _weight(self, comparison: Comparison, since: datetime) -> float | None:
        """The canary's share of the requests since then, if it was the same all the time."""
        if comparison.weight is None or comparison.weighed is None:
            return None
        return comparison.weight / FULL if since >= comparison.weighed + self._settles else None


def _is_news(told: Judged | None, now: Judged) -> bool:
    """A decision is at once, other words when those before could be read."""
    if told is None or told.outcome != now.outcome:
        return True
    return told.words != now.words and now.at - told.at >= READ_EVERY


def _fell(before: Pair, now: Pair) -> bool:
    return any(
        b.requests < a.requests or b.judged < a.judged or b.timed < a.timed
        for a, b in zip(before, now, strict=True)
    )


def _tick(
    terms: Configuration, before: Pair, now: Pair, since: datetime, at: datetime, weight: float | None
) -> Tick:
    return Tick(
        since=since.timestamp(),
        at=at.timestamp(),
        weight=weight,
        canary=now.canary.requests - before.canary.requests,
        stable=now.stable.requests - before.stable.requests,
        metrics={
            metric.name: Counted(
                _arm(metric, before.canary, now.canary), _arm(metric, before.stable, now.stable)
            )
            for metric in terms.metrics
            if not metric.source
        },
    )


def _arm(metric: Metric, before: Counts, now: Counts) -> Arm:
    if metric.kind is Kind.LATENCY:
        slow = tuple(max(0, _slower(now, edge) - _slower(before, edge)) for edge in metric.edges_ms)
        return Arm(now.timed - before.timed, slow)
    return Arm(now.requests - before.requests, (now.judged - before.judged,))


def _slower(counts: Counts, edge: int) -> int:
    return counts.timed - counts.within.get(edge, counts.timed)


# --- what a record keeps


def _remembered(case: _Case) -> str:
    return orjson.dumps(
        {
            "state": to_json(case.state),
            "seen": [_written(counts) for counts in case.seen],
            "until": case.until.isoformat() if case.until else None,
            "taken": to_written(case.taken),
            "codes": case.codes.model_dump(mode="json") if case.codes else None,
        }
    ).decode()


def _written(counts: Counts) -> list[Any]:
    return [counts.requests, counts.errors, counts.timed, list(counts.within.items()), counts.bad]


def _read(written: list[Any]) -> Counts:
    requests, errors, timed, within, *bad = written
    return Counts(requests, errors, timed, dict(within), *bad)


def _taken_up(comparison: Comparison) -> _Case:
    """The case where its record left it; a memory that cannot be read is none."""
    if comparison.remembered is None:
        return _Case(comparison, codes=comparison.codes)
    try:
        memory = orjson.loads(comparison.remembered.state)
        seen = Pair(*map(_read, memory["seen"]))
        until = datetime.fromisoformat(memory["until"]) if memory["until"] else None
        taken = from_written(memory.get("taken", {}))
        codes = FailureCodes.model_validate(memory["codes"]) if memory.get("codes") else None
        state = from_json(memory["state"])
        return _Case(comparison, state, seen, until, comparison.remembered, taken, codes)
    except (ValueError, KeyError, TypeError) as error:
        log.warning(
            "release %s: what its judge knew cannot be read, and begins anew: %s", comparison.release, error
        )
        return _Case(comparison, codes=comparison.codes)
