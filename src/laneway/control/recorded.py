"""Recorded counts of both arms → ticks, as a judge takes them while a release runs.

Must not know who recorded them, nor what is made of the ticks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from laneway.analysis.configuration import Configuration, Kind, Metric
from laneway.analysis.counters import Arms, Scrape, increase
from laneway.analysis.tick import Answer, Arm, Counted, Tick
from laneway.plan.observed import Counts
from laneway.spec import recording
from laneway.spec.recording import Recording
from laneway.spec.values import FULL


@dataclass(frozen=True, slots=True)
class Span:
    """What was counted over one interval, in seconds since the epoch; an arm that was not read is None.

    weight: the canary's share of the requests, of one, where it is known; notes: what was odd, in words.
    """

    since: float
    at: float
    canary: Counts | None
    stable: Counts | None
    weight: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recorded:
    """All of it, oldest first; alone: no canary was recorded, so that one is to be drawn from stable."""

    spans: tuple[Span, ...]

    @property
    def alone(self) -> bool:
        """Whether stable's ordinary traffic is all there is."""
        return not any(span.canary and span.canary.requests for span in self.spans)

    @property
    def unread(self) -> int:
        """In how many intervals an arm was not read."""
        alone = self.alone
        return sum(_unread(span, alone) for span in self.spans)

    def total(self) -> tuple[Counts, Counts]:
        """What was counted of the canary, and of stable."""
        return _sum([span.canary for span in self.spans]), _sum([span.stable for span in self.spans])

    def ticks(self, terms: Configuration) -> list[Tick]:
        """What the judge takes in, with the metrics of its terms. terms: such as `fitting` gives."""
        alone = self.alone
        return [_tick(span, terms, alone) for span in self.spans]

    def fitting(self, terms: Configuration) -> tuple[Configuration | None, list[str]]:
        """The terms with what was recorded of their metrics and edges, None without any; and what was not.

        Only the edges that were counted at tell requests apart: at others none would seem slow.
        """
        known = {edge for span in self.spans if span.stable for edge in span.stable.within}
        metrics, notes = [], []
        for metric in terms.metrics:
            edges = tuple(edge for edge in metric.edges_ms if edge in known)
            if metric.kind is Kind.LATENCY and edges:
                metrics.append(replace(metric, edges_ms=edges))
            elif metric.kind is Kind.COUNT and metric.name == "errors":
                metrics.append(metric)
            else:
                notes.append(f"{metric.name}: not recorded{_among(metric)}, so it is not judged")
        return (replace(terms, metrics=tuple(metrics)) if metrics else None), notes


def _among(metric: Metric) -> str:
    return f" at {', '.join(map(str, metric.edges_ms))} ms" if metric.kind is Kind.LATENCY else ""


def _sum(counts: Sequence[Counts | None]) -> Counts:
    read = [each for each in counts if each]
    edges = sorted({edge for each in read for edge in each.within})
    return Counts(
        sum(each.requests for each in read),
        sum(each.errors for each in read),
        sum(each.timed for each in read),
        {edge: sum(each.within.get(edge, each.timed) for each in read) for edge in edges},
    )


def _unread(span: Span, alone: bool) -> bool:
    return span.stable is None or (span.canary is None and not alone)


def _tick(span: Span, terms: Configuration, alone: bool) -> Tick:
    canary = Counts() if alone else span.canary
    if canary is None or span.stable is None:
        return Tick(span.since, span.at, Answer.ABSENT, notes=span.notes)
    return Tick(
        span.since,
        span.at,
        weight=span.weight,
        canary=canary.requests,
        stable=span.stable.requests,
        metrics={
            metric.name: Counted(_arm(metric, canary), _arm(metric, span.stable)) for metric in terms.metrics
        },
        notes=span.notes,
    )


def _arm(metric: Metric, counts: Counts) -> Arm:
    if metric.kind is not Kind.LATENCY:
        return Arm(counts.requests, (counts.errors,))
    slow, before = [], counts.timed
    for edge in metric.edges_ms:
        before = max(0, min(before, counts.timed - counts.within.get(edge, counts.timed)))
        slow.append(before)
    return Arm(counts.timed, tuple(slow))


# --- of a file


def of_file(written: Recording) -> Recorded:
    """The counts of a file without problems."""
    return Recorded(tuple(_differences(written) if written.header.cumulative else _intervals(written)))


def _intervals(written: Recording) -> Iterator[Span]:
    lines, header = written.lines, written.header
    since = header.since
    if lines and since is None:
        since = lines[0].at - (lines[1].at - lines[0].at if len(lines) > 1 else 0.0)
    for line in lines:
        began = line.since if line.since is not None else since
        assert began is not None, "the first line has begun"
        yield Span(began, line.at, _counts(line.canary), _counts(line.stable), _weight(written, line))
        since = line.at


def _differences(written: Recording) -> Iterator[Span]:
    """Of counters that go on: a missing reading loses nothing, the next one reaches back over it."""
    alone = not any(line.canary for line in written.lines)
    edges = sorted({edge for line in written.lines for arm in line.arms for edge in arm.edges})
    last: Arms | None = None
    for before, line in pairwise((None, *written.lines)):
        assert line is not None, "only the first is None"
        canary = recording.Arm(requests=0, errors=0) if alone else line.canary
        if canary is None or line.stable is None:
            if before is not None:
                yield Span(before.at, line.at, _counts(line.canary), None, notes=("an arm was not read",))
            continue
        now = Arms(
            _scrape("the canary", line.at, canary, edges), _scrape("stable", line.at, line.stable, edges)
        )
        if last is not None:
            grown = increase(last.canary, now.canary), increase(last.stable, now.stable)
            yield Span(
                last.stable.at,
                line.at,
                _grown(grown[0].total(3 + len(edges)), edges),
                _grown(grown[1].total(3 + len(edges)), edges),
                _weight(written, line),
                (*grown[0].notes, *grown[1].notes),
            )
        last = now


def _scrape(name: str, at: float, arm: recording.Arm, edges: Sequence[int]) -> Scrape:
    within = arm.edges
    counters = (arm.requests, arm.errors, arm.took, *(within.get(edge, 0) for edge in edges))
    return Scrape(at, {name: counters})


def _grown(counts: Sequence[int], edges: Sequence[int]) -> Counts:
    return Counts(counts[0], counts[1], counts[2], dict(zip(edges, counts[3:], strict=True)))


def _counts(arm: recording.Arm | None) -> Counts | None:
    return Counts(arm.requests, arm.errors, arm.took, arm.edges) if arm else None


def _weight(written: Recording, line: recording.Line) -> float | None:
    weight = written.header.weight if line.weight is None else line.weight
    return None if weight is None else weight / FULL
