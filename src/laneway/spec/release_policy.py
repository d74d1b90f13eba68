"""How a new revision of an App takes over: `App.spec.release`. Must not know where a release stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from laneway.spec.cohorts import Preview, Sticky
from laneway.spec.failure_codes import FailureCodes
from laneway.spec.meta import DNS_LABEL, Model
from laneway.spec.metric_source import PrometheusSource, WebSource
from laneway.spec.values import FULL, HTTP_URL, Bound, Duration, Overload, Percent


class Approval(Model):
    """A person says that it may go on: `laneway release approve`."""


class Webhook(Model):
    """Somebody else says so: 2xx passes, any other answer fails, no answer is asked for again."""

    url: str = Field(pattern=HTTP_URL)
    timeout: Duration = timedelta(seconds=10)


class StepGate(Model):
    """What has to pass before a step ends, after its hold. Exactly one of approval, command and webhook.

    command: run in the folder of the App's file, exit code 0 passes; timeout, retries: of the command;
    then: what becomes of the release where it fails.
    """

    approval: Approval | None = None
    command: tuple[str, ...] | None = Field(default=None, min_length=1)
    webhook: Webhook | None = None
    timeout: Duration | None = None
    retries: int | None = Field(default=None, ge=0, le=100)
    then: Literal["pause", "rollback"] = "rollback"

    @property
    def described(self) -> str:
        """The gate in words."""
        if self.command:
            return f"command {' '.join(self.command)}"
        return f"webhook {self.webhook.url}" if self.webhook else "approval"


class Step(Model):
    """A weight that the new version reaches, holds at least `hold`, and leaves at most `limit` after.

    on_unsure: what becomes of the release where the weight is not reached, or a gate not passed, in time.
    """

    weight: Percent
    hold: Duration | None = None
    limit: Duration = timedelta(minutes=30)
    on_unsure: Literal["pause", "rollback", "promote"] = "pause"
    gates: tuple[StepGate, ...] = ()

    @property
    def hold_for(self) -> timedelta:
        """The hold: what was written, else two minutes, and none at the full weight."""
        if self.hold is not None:
            return self.hold
        return timedelta(0) if self.weight == FULL else timedelta(minutes=2)


class Ramp(Model):
    """A weight that follows what is known: as much as its errors could cost that are not excluded yet.

    budget: percent of all requests that may fail because of the new version; start, to: the least and the
    greatest weight, until the judge promotes; limit: the longest that this may take; on_unsure: what becomes
    of the release then.
    """

    budget: Percent = Field(default=5, gt=0)
    start: Percent = Field(default=100, gt=0, lt=FULL, alias="from")
    to: Percent = Field(default=5_000, gt=0, lt=FULL)
    limit: Duration = timedelta(hours=4)
    on_unsure: Literal["pause", "rollback", "promote"] = "pause"


class Rollback(Model):
    """How an abort moves: `overload` is what stable may carry for a while, of its planned load."""

    overload: Overload = 15_000


class Drain(Model):
    """How the pods of a version that lost its weight go.

    limit: the longest that a request or a stream which is still open is waited for; grace: what the
    application then has from SIGTERM to SIGKILL, instead of its template's terminationGracePeriodSeconds.
    """

    grace: Duration | None = None
    limit: Duration = timedelta(minutes=10)


class Guardrail(Model):
    """An absolute limit on what callers meet at the new version, whatever the old one does.

    Of its requests since the step began, once there are `minimum`: the share that failed (errors), or how
    long the `quantile` took (latency; one of `LATENCY_EDGES_MS`).
    """

    metric: Literal["errors", "latency"]
    above: Bound
    quantile: Percent = 9_900
    minimum: int = Field(default=50, ge=1)
    then: Literal["pause", "rollback"] = "rollback"


class Margin(Model):
    """A bound on the new version's share of bad requests: `ratio` times the old one's, and `plus`."""

    ratio: float = Field(default=1.0, ge=1, le=100)
    plus: Percent = 0


COUNTED = ("errors", "latency")
"""Metrics that are counted anyway: requests that failed, and that were slow."""


class JudgedMetric(Model):
    """What the two versions are compared by: `errors`, `latency`, or a metric of one's own with its source.

    tolerate: what is still no reason to go back; refuse: what has to be excluded to go on, more than is
    tolerated; warm_up: how long after its first request the new version is not compared.

    Of a gauge: falls: its lower values are the worse ones; block: the time over which it is averaged, as long
    as its values resemble each other at least.
    """

    name: str = Field(pattern=DNS_LABEL, max_length=63)
    prometheus: PrometheusSource | None = None
    web: WebSource | None = None
    codes: FailureCodes | None = None
    tolerate: Margin | None = None
    refuse: Margin | None = None
    warm_up: Duration | None = None
    falls: bool = False
    block: Duration | None = None

    @property
    def source(self) -> PrometheusSource | WebSource | None:
        """Who tells it; None where requests are counted."""
        return self.prometheus or self.web

    @model_validator(mode="after")
    def _refuses_more(self) -> Self:
        tolerated, refused = self.tolerate, self.refuse
        if tolerated and refused and (refused.ratio < tolerated.ratio or refused.plus < tolerated.plus):
            raise ValueError(f"{self.name} refuses less than it tolerates; write larger margins in `refuse`")
        return self


class Judge(Model):
    """Who judges the new version while it is released. Without metrics, holds and guardrails alone decide.

    false_rollback: the probability that a version which is no worse than tolerated is ever rolled back;
    false_promote: that one is promoted of which a metric is refused; metrics: the versions are compared by.
    """

    false_rollback: Percent = Field(default=100, gt=0, lt=FULL)
    false_promote: Percent = Field(default=500, gt=0, lt=FULL)
    metrics: tuple[JudgedMetric, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()

    @field_validator("metrics")
    @classmethod
    def _metrics_differ(cls, metrics: tuple[JudgedMetric, ...]) -> tuple[JudgedMetric, ...]:
        if len({metric.name for metric in metrics}) < len(metrics):
            raise ValueError("a metric is there twice; keep one of the two")
        return metrics


DEFAULT_STEPS = (Step.model_validate({"weight": 20}), Step.model_validate({"weight": 100}))
"""20 %, validate, the remaining 80 %."""


class ReleasePolicy(Model):
    """How a new revision takes over. Default: 20 %, hold, the remaining 80 % (Halodoc's practice).

    on_new: what becomes of a release when a newer revision comes; keep_old: how long after its promotion the
    version before keeps its pods, so that an undo takes effect at once. It keeps them during the release too.
    """

    unsupported: ClassVar[Mapping[str, str]] = {
        "pin": "remove it: `laneway release pause` holds a release where it is",
    }

    steps: tuple[Step, ...] = Field(default=DEFAULT_STEPS, min_length=1)
    ramp: Ramp | None = None
    on_new: Literal["supersede", "queue"] = "supersede"
    preview: Preview | None = None
    sticky: Sticky | None = None
    drain: Drain = Drain()
    keep_old: Duration = timedelta(0)
    rollback: Rollback = Rollback()
    judge: Judge = Judge()
