"""The judge of a release: on which terms it compares, and what its verdict does to a course.

Must not know how evidence grows (`analysis`), nor who counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from laneway.analysis.configuration import ERRORS, LATENCY, Configuration, Kind, Margin, Metric
from laneway.analysis.verdict import Outcome
from laneway.plan.observed import CountsId, Side
from laneway.plan.records import status_of, with_status
from laneway.plan.result import Asked, Comparison
from laneway.spec import release_policy as policy
from laneway.spec.app import App
from laneway.spec.failure_codes import FailureCodes
from laneway.spec.metric_source import WORDS, filled
from laneway.spec.naming import DOMAIN
from laneway.spec.release import Judged, Phase, Release
from laneway.spec.values import FULL

RECORDED_EVERY = timedelta(seconds=15)
"""How old the memory in the record may be: what was counted since then is counted again after a restart."""

BLOCK = timedelta(minutes=3)
"""Over which a gauge is averaged, where nothing is written."""

METRICS: Mapping[str, Metric] = {"errors": ERRORS, "latency": LATENCY}


def terms(release: policy.ReleasePolicy) -> Configuration | None:
    """The judge's terms as the App writes them; None where it asks for no comparison.

    Who asks for a version by a header, or stays with it by a cookie, does not follow the weight: then shares
    of requests tell nothing.
    """
    judge = release.judge
    if not judge.metrics:
        return None
    drawn = release.preview is None and release.sticky is None
    found = Configuration(
        metrics=tuple(map(_metric, judge.metrics)),
        false_rollback=judge.false_rollback / FULL,
        false_promote=judge.false_promote / FULL,
    )
    return found if drawn else replace(found, share_tolerance=None)


def _metric(written: policy.JudgedMetric) -> Metric:
    """Raises ValueError only for margins that the spec refuses, too."""
    default = METRICS.get(written.name) or _own(written)
    tolerate = _margin(written.tolerate) or default.tolerate
    refuse = _margin(written.refuse) or default.refuse
    return replace(
        default,
        tolerate=tolerate,
        refuse=Margin(max(refuse.ratio, tolerate.ratio), max(refuse.plus, tolerate.plus)),
        warm_up=default.warm_up if written.warm_up is None else written.warm_up.total_seconds(),
    )


def _own(written: policy.JudgedMetric) -> Metric:
    source = written.source
    return Metric(
        written.name,
        Kind.GAUGE if source and source.is_gauge else Kind.COUNT,
        block=BLOCK.total_seconds() if written.block is None else written.block.total_seconds(),
        falls=written.falls,
        source="its URL" if written.web else "its Prometheus",
    )


def codes(app: App) -> FailureCodes | None:
    """What the App's judge takes for errors, where it says so."""
    return next((metric.codes for metric in app.spec.release.judge.metrics if metric.codes), None)


def asked(release: Release, app: App) -> tuple[Asked, ...]:
    """What the sources of an app's own metrics are asked about each side of its release."""

    def about(revision: str) -> Mapping[str, str]:
        name, namespace = app.key.name, app.key.namespace
        host = f"{name}.{namespace}.{DOMAIN}"
        return dict(zip(WORDS, (revision, name, namespace, host), strict=True))

    canary, stable = about(release.spec.apps[0].revision), about(status_of(release).stable)
    metrics = app.spec.release.judge.metrics
    sources = [(metric.name, metric.source) for metric in metrics if metric.source is not None]
    return tuple(Asked(name, filled(each, canary), filled(each, stable)) for name, each in sources)


def _margin(written: policy.Margin | None) -> Margin | None:
    return Margin(written.ratio, written.plus / FULL) if written else None


def compared(release: Release, app: App, weight: int) -> Comparison | None:
    """What is to be judged while a release is under way. weight: the canary's, as its step has it."""
    status, found = status_of(release), terms(app.spec.release)
    if found is None or status.phase not in {Phase.PROGRESSING, Phase.PAUSED}:
        return None
    return Comparison(
        release=release.key,
        since=status.started_at,
        terms=found,
        weight=weight if status.held_since else None,
        weighed=status.held_since,
        remembered=status.judged,
        asked=asked(release, app),
        codes=codes(app),
    )


def counted_for(comparison: Comparison) -> tuple[CountsId, CountsId]:
    """The counts of the canary, and of stable, that it is judged by."""
    canary, stable = (CountsId(comparison.release, comparison.since, side) for side in Side)
    return canary, stable


def recorded(release: Release, judged: Judged | None, now: datetime, *, decided: bool = False) -> Release:
    """The release with what the judge knows in its record: before each decision, and now and then."""
    before = status_of(release).judged
    if judged is None or judged == before:
        return release
    if decided or before is None or now - before.at >= RECORDED_EVERY:
        return with_status(release, judged=judged)
    return release


def is_worse(judged: Judged | None) -> bool:
    """Whether the new version is shown to be worse than tolerated."""
    return judged is not None and judged.outcome == Outcome.ROLLBACK


def is_acceptable(judged: Judged | None) -> bool:
    """Whether it is shown not to be worse than refused."""
    return judged is not None and judged.outcome == Outcome.PROMOTE
