"""On which terms a replay judges: those of an App's file, and what options say instead.

Must not know what is judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import click

from laneway.analysis import configuration
from laneway.analysis.configuration import Configuration
from laneway.cli.failure import Failure, document_of
from laneway.cli.loading import load_files, refuse
from laneway.plan.judging import METRICS, terms
from laneway.spec.app import App
from laneway.spec.meta import Key
from laneway.spec.problems import Code
from laneway.spec.release_policy import JudgedMetric, Margin, ReleasePolicy, Step
from laneway.spec.values import FULL


@dataclass(frozen=True, slots=True)
class Written:
    """What files say of the app. release: its policy; namespace, app: its name, where it has one."""

    release: ReleasePolicy | None = None
    namespace: str = "default"
    app: str | None = None

    @property
    def step(self) -> Step | None:
        """The first step at which both versions have requests: there a release waits for the judge."""
        steps = self.release.steps if self.release else ()
        return next((step for step in steps if 0 < step.weight < FULL), None)


@dataclass(frozen=True, slots=True)
class Given:
    """What options say; shares in basis points."""

    metrics: str | None
    false_rollback: int | None
    false_promote: int | None
    tolerate_ratio: float | None
    tolerate_plus: int | None
    refuse_ratio: float | None
    refuse_plus: int | None


NAMES = tuple(field.name for field in fields(Given))


def written(paths: Sequence[str], recursive: bool, namespace: str | None, app: str | None) -> Written:
    """What is read from files. Raises Failure, or ProblemsFailure where something is wrong in them."""
    if not paths:
        return Written()
    batch = load_files(paths, recursive, namespace)
    refuse([document_of(problem) for problem in batch.loaded.errors], then="nothing was replayed")
    found = _chosen(batch.loaded.spec.apps, namespace, app)
    return Written(found.spec.release, found.metadata.namespace, found.metadata.name)


def _chosen(apps: Mapping[Key, App], namespace: str | None, name: str | None) -> App:
    found = [
        app for key, app in apps.items() if name in {None, key.name} and namespace in {None, key.namespace}
    ]
    listed = ", ".join(map(str, apps)) or "none"
    if not found:
        wanted = f"App {name}" if name else "App"
        raise Failure(Code.NOT_FOUND, f"there is no {wanted} in the files", f"the Apps there: {listed}")
    if len(found) > 1:
        raise Failure(
            Code.AMBIGUOUS, "there is more than one App in the files", f"choose with --app: {listed}"
        )
    return found[0]


def overridden(written: Written, given: Given) -> Configuration:
    """The judge's terms. Raises Failure where there are none, and a usage error where they contradict."""
    judge = (written.release or ReleasePolicy()).judge
    metrics = _metrics(judge.metrics, given, of_file=written.release is not None)
    changes = {name: getattr(given, name) for name in ("false_rollback", "false_promote")}
    for name, value in changes.items():
        if value is not None and not 0 < value < FULL:
            option = f"--{name.replace('_', '-')}"
            raise click.BadParameter("write a share between 0 and 100", param_hint=option)
    said = {name: value for name, value in changes.items() if value is not None}
    judge = judge.model_copy(update={**said, "metrics": metrics})
    found = terms((written.release or ReleasePolicy()).model_copy(update={"judge": judge}))
    assert found is not None, "there are metrics"
    return found


def _metrics(metrics: Sequence[JudgedMetric], given: Given, of_file: bool) -> tuple[JudgedMetric, ...]:
    known: dict[str, JudgedMetric] = {metric.name: metric for metric in metrics}
    if given.metrics is not None:
        names = [name.strip() for name in given.metrics.split(",")]
        wrong = [name for name in names if name not in METRICS]
        if wrong or len(set(names)) < len(names):
            raise click.BadParameter(
                f"write some of {', '.join(METRICS)}, each once, with commas", param_hint="--metrics"
            )
    elif metrics or not of_file:
        names = list(known) or list(METRICS)
    else:
        raise Failure(
            Code.NOTHING_RECORDED,
            "the App has no judge to try: `release.judge.metrics` is empty",
            "add `metrics: [{name: errors}, {name: latency}]` there, or try: --metrics errors,latency",
        )
    return tuple(
        _metric(known.get(name) or JudgedMetric.model_validate({"name": name}), given) for name in names
    )


def _metric(metric: JudgedMetric, given: Given) -> JudgedMetric:
    default = METRICS.get(metric.name, configuration.ERRORS)
    tolerate = _margin(metric.tolerate, default.tolerate, given.tolerate_ratio, given.tolerate_plus)
    refuse = _margin(metric.refuse, default.refuse, given.refuse_ratio, given.refuse_plus)
    if tolerate and refuse and (refuse.ratio < tolerate.ratio or refuse.plus < tolerate.plus):
        raise click.UsageError(
            f"{metric.name} refuses less than it tolerates; write larger --refuse-ratio and --refuse-plus"
        )
    return metric.model_copy(update={"tolerate": tolerate, "refuse": refuse})


def _margin(
    written: Margin | None, default: configuration.Margin, ratio: float | None, plus: int | None
) -> Margin | None:
    """As written, else the default one where an option says a part of it; None where nothing is said."""
    if ratio is None and plus is None:
        return written
    known = written or Margin.model_construct(ratio=default.ratio, plus=round(default.plus * FULL))
    said = {name: value for name, value in (("ratio", ratio), ("plus", plus)) if value is not None}
    return known.model_copy(update=said)
