"""Rules of what an App is judged by: each metric has what its kind needs, and nothing of another's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from laneway.spec.app import App
from laneway.spec.metric_source import REVISION, WORDS, PrometheusSource, unknown_words
from laneway.spec.problems import Code
from laneway.spec.release_policy import COUNTED, DEFAULT_STEPS, JudgedMetric
from laneway.spec.rules.scope import Fault, Scope
from laneway.spec.values import format_duration, format_percent
from laneway.spec.yaml import Path

METRICS: Path = ("spec", "release", "judge", "metrics")
BLOCK_MIN = timedelta(seconds=10)
"""A gauge is read every few seconds: shorter blocks would hold one reading, or none."""


def _metrics(scope: Scope) -> Iterator[tuple[App, Path, JudgedMetric]]:
    for app in scope.spec.apps.values():
        for index, metric in enumerate(app.spec.release.judge.metrics):
            yield app, (*METRICS, index), metric


def ramps_can_follow(scope: Scope) -> Iterator[Fault]:
    """A ramp stands in place of steps, rises, and follows what is known of errors."""
    for app in scope.spec.apps.values():
        policy, path = app.spec.release, ("spec", "release", "ramp")
        if policy.ramp is None:
            continue
        if policy.steps != DEFAULT_STEPS:
            yield Fault(Code.RAMP, app, path, "`ramp` beside `steps`", "remove one of the two")
        if policy.ramp.start > policy.ramp.to:
            start, to = format_percent(policy.ramp.start), format_percent(policy.ramp.to)
            remedy = "write a `from` that is at most `to`"
            yield Fault(Code.RAMP, app, (*path, "from"), f"from {start} % is above to {to} %", remedy)
        if all(metric.name != "errors" for metric in policy.judge.metrics):
            text = "nobody judges errors, whose bound the weight follows"
            yield Fault(Code.RAMP, app, path, text, "add {name: errors} to `judge.metrics`")


def sources_are_exactly_one(scope: Scope) -> Iterator[Fault]:
    """A metric of one's own has one source with one kind of answer; requests have none."""
    for app, path, metric in _metrics(scope):
        sources = [name for name in ("prometheus", "web") if getattr(metric, name) is not None]
        if metric.name in COUNTED:
            for source in sources:
                text = f"{metric.name} has a source, and is counted from requests"
                remedy = f"give the metric another name, or remove `{source}`"
                yield Fault(Code.METRIC_SOURCE, app, (*path, source), text, remedy)
        elif len(sources) != 1:
            text = f"metric {metric.name} has {'both' if sources else 'neither'} of `prometheus` and `web`"
            yield Fault(Code.METRIC_SOURCE, app, path, text)
        if isinstance(metric.prometheus, PrometheusSource):
            asked = set(metric.prometheus.questions)
            if asked not in ({"bad", "of"}, {"gauge"}):
                text = f"metric {metric.name} asks for {' and '.join(sorted(asked)) or 'nothing'}"
                remedy = "write `bad` and `of`, or `gauge`"
                yield Fault(Code.METRIC_SOURCE, app, (*path, "prometheus"), text, remedy)


def questions_are_of_a_version(scope: Scope) -> Iterator[Fault]:
    """What is asked differs between the versions, else they are always alike."""
    for app, path, metric in _metrics(scope):
        for name, source in (("prometheus", metric.prometheus), ("web", metric.web)):
            for field, question in source.questions.items() if source else ():
                where = (*path, name, field)
                for word in sorted(set(unknown_words(question))):
                    text, remedy = f"nothing stands for {word}", f"write one of {', '.join(WORDS)}"
                    yield Fault(Code.METRIC_QUESTION, app, where, text, remedy)
                if REVISION not in question:
                    text = f"`{field}` of metric {metric.name} asks the same of both versions"
                    yield Fault(Code.METRIC_QUESTION, app, where, text)


def fields_are_of_the_metric(scope: Scope) -> Iterator[Fault]:
    """`codes` are those of errors; blocks and directions are those of gauges, which have ratios alone."""
    for app, path, metric in _metrics(scope):
        gauge = metric.source is not None and metric.source.is_gauge
        if metric.codes is not None and metric.name != "errors":
            text = f"metric {metric.name} has `codes`, which say what errors are"
            yield Fault(Code.METRIC_FIELD, app, (*path, "codes"), text, "remove them")
        for field, written in (("falls", metric.falls), ("block", metric.block)):
            if written and not gauge:
                text = f"metric {metric.name} counts, and has `{field}` of a gauge"
                yield Fault(Code.METRIC_FIELD, app, (*path, field), text, "remove it")
        if gauge and metric.block is not None and metric.block < BLOCK_MIN:
            text = f"a block of {format_duration(metric.block)} has not even two readings"
            remedy = f"write at least {format_duration(BLOCK_MIN)}"
            yield Fault(Code.METRIC_FIELD, app, (*path, "block"), text, remedy)
        for field, margin in (("tolerate", metric.tolerate), ("refuse", metric.refuse)):
            if gauge and margin and margin.plus:
                text = f"metric {metric.name} is a gauge, and `plus` adds percent of requests"
                yield Fault(Code.METRIC_FIELD, app, (*path, field, "plus"), text, "write a `ratio` alone")
