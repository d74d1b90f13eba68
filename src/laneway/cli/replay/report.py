"""What a replay has found, as JSON values and as text. Must not compute anything but sums of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from laneway.analysis import words
from laneway.analysis.configuration import Configuration, Kind, Margin, Metric
from laneway.analysis.replay import Course, Ended, Releases, Replay, Spread, said, scatter
from laneway.analysis.verdict import Outcome
from laneway.control.recorded import Recorded
from laneway.plan.observed import Counts

if TYPE_CHECKING:
    from rich.console import RenderableType

    from laneway.control.status import Json

SCATTERED = 1.5
"""Times of what independent requests do, from which on it is told."""

_LEGEND = (
    "After, and requests of the canary: the median (90th percentile) of those that ended so. "
    "Spent: requests that turned bad because of the regression, on average."
)


@dataclass(frozen=True, slots=True)
class Report:
    """source: as people know it; itself: the recording as it is, where it has a canary."""

    source: str
    recorded: Recorded
    configuration: Configuration
    releases: Releases
    seed: int
    itself: Ended | None
    found: Replay

    def size(self, course: Course) -> str:
        """A kind of releases in words."""
        if not course.metric:
            return "healthy"
        metric = self.metric(course.metric)
        verb = "slower" if metric.kind is Kind.LATENCY else metric.name
        return f"+{size(course.excess)} {verb}"

    def metric(self, name: str) -> Metric:
        """That of this name."""
        return next(metric for metric in self.configuration.metrics if metric.name == name)


def size(share: float) -> str:
    """A share that somebody chose, as they would write it."""
    return f"{100 * share:.6g} %"


# --- as JSON values: shares are of one, times in seconds


def document(report: Report) -> Json:
    """All of it."""
    spans, releases = report.recorded.spans, report.releases
    canary, stable = report.recorded.total()
    return {
        "recording": {
            "source": report.source,
            "from": _time(spans[0].since),
            "to": _time(spans[-1].at),
            "intervals": len(spans),
            "unread": report.recorded.unread,
            "canary": None if report.recorded.alone else _counts(canary),
            "stable": _counts(stable),
        },
        "judge": {
            "falseRollback": report.configuration.false_rollback,
            "falsePromote": report.configuration.false_promote,
            "metrics": [_metric(metric) for metric in report.configuration.metrics],
        },
        "releases": {
            "runs": releases.runs,
            "seed": report.seed,
            "weight": releases.weight,
            "limit": releases.lasting,
            "hold": releases.hold,
        },
        "recorded": _itself(report),
        "healthy": _course(report.found.healthy),
        "regressions": [_course(course) for course in report.found.regressions],
    }


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def _counts(counts: Counts) -> Json:
    return {"requests": counts.requests, "errors": counts.errors, "timed": counts.timed}


def _metric(metric: Metric) -> Json:
    edges = {"edges": list(metric.edges_ms), "warmUp": metric.warm_up} if metric.edges_ms else {}
    return {
        "name": metric.name,
        "tolerate": _margin(metric.tolerate),
        "refuse": _margin(metric.refuse),
    } | edges


def _margin(margin: Margin) -> Json:
    return {"ratio": margin.ratio, "plus": margin.plus}


def _itself(report: Report) -> Json | None:
    if report.itself is None:
        return None
    verdict = said(report.configuration, report.itself)
    return {
        "outcome": report.itself.outcome.value,
        "after": report.itself.after,
        "requests": report.itself.requests,
        "reason": verdict.reason,
        "needed": verdict.needed,
        "excess": verdict.excess,
        "scatter": {name: round(value, 3) for name, value in _scatter(report).items()},
    }


def _scatter(report: Report) -> Mapping[str, float]:
    return scatter(report.configuration, report.recorded.ticks(report.configuration))


def _course(course: Course) -> Json:
    kind = {"metric": course.metric, "excess": course.excess} if course.metric else {}
    low, high = course.rollback_interval
    return kind | {
        "runs": course.runs,
        "rolledBack": course.rolled_back,
        "rolledBackBetween": [round(low, 6), round(high, 6)],
        "promoted": course.promoted,
        "unsure": course.unsure,
        "rollback": _ends(course.rollback_after, course.rollback_requests),
        "promotion": _ends(course.promoted_after, course.promoted_requests),
        "spent": course.spent,
    }


def _ends(after: Spread | None, requests: Spread | None) -> Json | None:
    if after is None or requests is None:
        return None
    return {"after": after._asdict(), "requests": requests._asdict()}


# --- as text


def table(report: Report) -> RenderableType:
    """All of it, for people."""
    from rich.console import Group
    from rich.text import Text

    from laneway.cli.output import grid

    courses = (report.found.healthy, *report.found.regressions)
    columns = (
        *("releases", "rolled back", "after", "requests"),
        *("promoted", "after", "requests", "undecided", "spent"),
    )
    return Group(
        _head(report),
        Text(),
        grid(columns, [_row(report, course) for course in courses]),
        Text(),
        Text(_LEGEND),
        Text(_rate(report)),
        *(Text(line) for line in _clusters(report)),
    )


def _head(report: Report) -> RenderableType:
    from rich.table import Table

    found = Table(box=None, show_header=False, pad_edge=False, padding=(0, 3, 0, 0))
    for line in (
        ("recording", _recording(report)),
        ("judge", _judge(report.configuration)),
        ("releases", _releases(report)),
        ("as recorded", _as_recorded(report)),
    ):
        found.add_row(*line)
    return found


def _recording(report: Report) -> str:
    spans = report.recorded.spans
    canary, stable = report.recorded.total()
    unread = report.recorded.unread
    missing = f", {unread:,} of them unread" if unread else ""
    drawn = "no canary: it is drawn from these" if report.recorded.alone else f"canary: {_of(canary)}"
    return (
        f"{report.source}: {_clock(spans[0].since)} to {_clock(spans[-1].at)} UTC, {len(spans):,} intervals"
        f"{missing}; stable: {_of(stable)}; {drawn}"
    )


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"


def _of(counts: Counts) -> str:
    failed = f", {words.percent(counts.errors / counts.requests)} failed" if counts.requests else ""
    return f"{counts.requests:,} requests{failed}"


def _judge(configuration: Configuration) -> str:
    metrics = "; ".join(
        f"{metric.name}: tolerates {_limit(metric.tolerate)}, refuses {_limit(metric.refuse)}"
        for metric in configuration.metrics
    )
    return (
        f"{metrics}; false rollback at most {size(configuration.false_rollback)}, "
        f"false promotion at most {size(configuration.false_promote)}"
    )


def _limit(margin: Margin) -> str:
    return f"{margin.ratio:g} times stable's and {size(margin.plus)}"


def _releases(report: Report) -> str:
    releases = report.releases
    weight = size(releases.weight) if releases.weight is not None else "its weight as recorded"
    hold = f", after a hold of {words.duration(releases.hold)}" if releases.hold else ""
    return (
        f"{releases.runs:,} healthy, {releases.many(1):,} with each regression; the canary at {weight}, "
        f"{words.duration(releases.lasting or 0)} for a verdict{hold}; seed {report.seed}"
    )


_ENDED = {
    Outcome.PROMOTE: "promoted after",
    Outcome.ROLLBACK: "rolled back after",
    Outcome.UNSURE: "undecided at its end, after",
}


def _as_recorded(report: Report) -> str:
    ended = report.itself
    if ended is None:
        return "not judged: it has no canary"
    when = f"{_ENDED[ended.outcome]} {words.duration(ended.after)} and {ended.requests:,} requests"
    return f"{when}: {said(report.configuration, ended).reason}"


def _row(report: Report, course: Course) -> tuple[str, ...]:
    return (
        report.size(course),
        f"{round(course.rolled_back * course.runs):,} of {course.runs:,}",
        *_when(course.rollback_after, course.rollback_requests),
        words.percent(course.promoted),
        *_when(course.promoted_after, course.promoted_requests),
        words.percent(course.unsure),
        f"{course.spent:,.0f}" if course.metric else "",
    )


def _when(after: Spread | None, requests: Spread | None) -> tuple[str, str]:
    if after is None or requests is None:
        return "", ""
    return (
        f"{words.duration(after.median)} ({words.duration(after.p90)})",
        f"{requests.median:,.0f} ({requests.p90:,.0f})",
    )


def _rate(report: Report) -> str:
    healthy = report.found.healthy
    low, high = healthy.rollback_interval
    return (
        f"False rollbacks: {words.percent(healthy.rolled_back)} of {healthy.runs:,} healthy releases, "
        f"with 95 % confidence between {words.percent(low)} and {words.percent(high)}; "
        f"the judge's limit is {size(report.configuration.false_rollback)}."
    )


def _clusters(report: Report) -> Iterator[str]:
    """A warning where what was drawn is calmer than what was recorded."""
    for name, value in _scatter(report).items() if report.itself else ():
        if value >= SCATTERED:
            yield (
                f"The recorded {name} scatter {value:.1f} times as independent requests would: they "
                "come in clusters, or the arms differ. Drawn releases have neither, and are rolled back less."
            )
