"""App: one microservice, its template, its routing, its size and how it is released."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar, Literal

from pydantic import Field

from laneway.spec.istio import Headers, HTTPMatchRequest, HTTPRetry, HTTPRewrite, TrafficPolicy
from laneway.spec.kubernetes import PodTemplate, ServicePort
from laneway.spec.meta import DnsLabel, Model, Object
from laneway.spec.values import FULL, Duration, Overload, Percent, Surge

LanewayVersion = Literal["laneway.dev/v1alpha1"]


class Workload(Model):
    """The template: the user's own Deployment by name, or inline. Exactly one of the two."""

    deployment: DnsLabel | None = None
    template: PodTemplate | None = None


class AppService(Model):
    """The ports of the app's Service, which Laneway writes."""

    ports: list[ServicePort] = Field(min_length=1)


class Rule(Model):
    """An Istio HTTPRoute without `route`: the versions and their weights are Laneway's to fill in."""

    unsupported: ClassVar[frozenset[str]] = frozenset(
        {"redirect", "delegate", "fault", "mirror", "mirrors", "corsPolicy", "directResponse", "route"}
    )

    name: str | None = None
    match: list[HTTPMatchRequest] = Field(default_factory=list)
    rewrite: HTTPRewrite | None = None
    timeout: Duration | None = None
    retries: HTTPRetry | None = None
    headers: Headers | None = None


class Routing(Model):
    """Where the app is reached besides its mesh host, and the user's own rules."""

    unsupported: ClassVar[frozenset[str]] = frozenset({"exportTo"})

    gateways: list[str] = Field(default_factory=list)
    hosts: list[str] = Field(default_factory=list)
    order: int = 0
    http: list[Rule] = Field(default_factory=list)
    traffic_policy: TrafficPolicy | None = None


class Scale(Model):
    """Pods of the app as a whole: a fixed number, or bounds for an autoscaler."""

    replicas: int | None = Field(default=None, ge=1)
    min: int | None = Field(default=None, ge=1)
    max: int | None = Field(default=None, ge=1)
    metrics: list[dict[str, Any]] = Field(default_factory=list)
    behavior: dict[str, Any] | None = None
    surge: Surge = 2_500


class Step(Model):
    """A weight that the new version reaches, holds at least `hold`, and leaves at most `limit` after."""

    weight: Percent
    hold: Duration | None = None
    limit: Duration = timedelta(minutes=30)
    on_unsure: Literal["pause", "rollback", "promote"] = "pause"

    @property
    def hold_for(self) -> timedelta:
        """The hold: what was written, else two minutes, and none at the full weight."""
        if self.hold is not None:
            return self.hold
        return timedelta(0) if self.weight == FULL else timedelta(minutes=2)


class Rollback(Model):
    """How an abort moves: `overload` is what stable may carry for a while, of its planned load."""

    overload: Overload = 15_000


DEFAULT_STEPS = (Step.model_validate({"weight": 20}), Step.model_validate({"weight": 100}))
"""20 %, validate, the remaining 80 %."""


class ReleasePolicy(Model):
    """How a new revision takes over. Default: 20 %, hold, the remaining 80 % (Halodoc's practice)."""

    unsupported: ClassVar[frozenset[str]] = frozenset(
        {"preview", "sticky", "drain", "keepOld", "judge", "ramp", "pin"}
    )

    steps: tuple[Step, ...] = Field(default=DEFAULT_STEPS, min_length=1)
    on_new: Literal["supersede"] = "supersede"
    rollback: Rollback = Rollback()


class AppSpec(Model):
    """What an App says."""

    workload: Workload
    service: AppService
    routing: Routing = Routing()
    scale: Scale | None = None
    release: ReleasePolicy = ReleasePolicy()


class App(Object):
    """laneway.dev App."""

    inert: ClassVar[frozenset[str]] = frozenset({"status"})

    api_version: LanewayVersion = "laneway.dev/v1alpha1"
    kind: Literal["App"] = "App"
    spec: AppSpec
