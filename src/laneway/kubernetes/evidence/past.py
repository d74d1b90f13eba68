"""What Prometheus has kept of an app's requests over some hours, interval by interval: for `laneway replay`.

Read in pieces, so that no answer is large. Must not know what is made of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import dropwhile

from laneway.control.metrics.prometheus import Prometheus, Row
from laneway.control.recorded import Recorded, Span
from laneway.kubernetes.evidence.growth import Growth, growth_of
from laneway.kubernetes.evidence.questions import LOOK_BACK, Over, Target, durations, requests, revisions
from laneway.kubernetes.evidence.stretches import LEAD_MAX

POINTS = 240
"""Of each series in an answer: an hour in steps of 15 s."""
SEARCHED_EVERY = timedelta(minutes=5)
"""How far apart the moments are at which revisions are looked for; each looks back as far."""

UNREAD = ("Prometheus has read nothing",)


@dataclass(frozen=True, slots=True)
class Asked:
    """What of an app is wanted.

    canary, stable: revisions; without a canary all traffic is stable's, without a stable all but the
    canary's; edges: latencies in ms; step: how long an interval is.
    """

    host: str
    since: datetime
    until: datetime
    step: timedelta
    edges: frozenset[int] = frozenset()
    canary: str | None = None
    stable: str | None = None


async def read(
    prometheus: Prometheus, asked: Asked, told: Callable[[float], None] = lambda share: None
) -> Recorded:
    """The counts of every interval. told: the share that is read by now. Raises NoAnswerError."""
    known = await revisions_of(prometheus, asked)
    canary = [Target(asked.host, asked.canary)] if asked.canary else []
    stable = [Target(asked.host, each) for each in ([asked.stable] if asked.stable else sorted(known))]
    stable = [each for each in stable if each not in canary]
    spans: list[Span] = []
    for first, last in pieces(asked) if stable else ():
        grown = await _piece(prometheus, asked, (canary, stable), first, last)
        spans += _spans(grown, asked.step, first, last)
        told((last - asked.since) / (asked.until - asked.since))
    return Recorded(tuple(dropwhile(lambda span: span.stable is None, whole(spans))))


async def revisions_of(prometheus: Prometheus, asked: Asked) -> frozenset[str]:
    """The revisions that had requests. Raises NoAnswerError."""
    query, last = revisions(asked.host, SEARCHED_EVERY), asked.until + SEARCHED_EVERY
    names: set[str] = set()
    first = asked.since
    while first < asked.until:
        end = min(last, first + POINTS * SEARCHED_EVERY)
        rows = await prometheus.between(query, first, end, SEARCHED_EVERY)
        names |= {row.labels.get("destination_canonical_revision", "") for row in rows}
        first = end
    return frozenset(names - {"", "unknown"})


def pieces(asked: Asked) -> Iterator[tuple[datetime, datetime]]:
    """The first and the last moment of each question: the ends of intervals, and of that before the first."""
    steps = (asked.until - asked.since) // asked.step
    for first in range(0, steps + 1, POINTS):
        last = min(steps, first + POINTS - 1)
        yield asked.since + first * asked.step, asked.since + last * asked.step


async def _piece(
    prometheus: Prometheus,
    asked: Asked,
    arms: tuple[Sequence[Target], Sequence[Target]],
    first: datetime,
    last: datetime,
) -> Mapping[float, tuple[Growth, Growth]]:
    """How much both arms grew, by the end of the interval; where neither has a series, nothing."""
    targets, over = [*arms[0], *arms[1]], Over(asked.step)
    counted = await prometheus.between(requests(targets, over), first, last, asked.step)
    timed: list[Row] = []
    if asked.edges:
        timed = await prometheus.between(durations(targets, asked.edges, over), first, last, asked.step)
    by_time = _by_time(counted), _by_time(timed)
    return {
        time: (
            _growth(arms[0], by_time[0][time], by_time[1].get(time, ()), unreached=True),
            _growth(arms[1], by_time[0][time], by_time[1].get(time, ()), unreached=not arms[0]),
        )
        for time in by_time[0]
    }


def _by_time(rows: Iterable[Row]) -> Mapping[float, list[Row]]:
    found: defaultdict[float, list[Row]] = defaultdict(list)
    for row in rows:
        for time, value in zip(row.times, row.values, strict=True):
            found[time].append(Row(row.labels, (value,)))
    return found


def _growth(
    targets: Collection[Target], counted: Sequence[Row], timed: Sequence[Row], unreached: bool
) -> Growth:
    """Of an arm. unreached: with the requests that reached no pod, which name no revision."""
    total = Growth()
    for number, target in enumerate(targets):
        total += growth_of(target, counted, timed, unreached and not number)
    return total


def _spans(
    grown: Mapping[float, tuple[Growth, Growth]], step: timedelta, first: datetime, last: datetime
) -> Iterator[Span]:
    for index in range((last - first) // step + 1):
        at = round((first + index * step).timestamp(), 3)
        canary, stable = (each.counts for each in grown[at]) if at in grown else (None, None)
        yield Span(at - step.total_seconds(), at, canary, stable, notes=() if stable else UNREAD)


def whole(spans: Iterable[Span]) -> Iterator[Span]:
    """The intervals after the first, each back to the reading before it, and unread where that is not known.

    Where Prometheus begins to read, and after a gap longer than a query looks back, a counter's first reading
    is all that it has counted in its life; not so where there are readings at the first moment.
    """
    last: float | None = None
    from_then_on = 0.0
    for index, span in enumerate(spans):
        if span.stable is not None and (last is None or span.at - last > LOOK_BACK.total_seconds()):
            from_then_on = span.at + (LEAD_MAX.total_seconds() if index else 0)
        if span.stable is None or last is None or span.at <= from_then_on:
            found = replace(span, canary=None, stable=None, notes=UNREAD)
        else:
            found = replace(span, since=last)
        if index:
            yield found
        last = span.at if span.stable is not None else last
