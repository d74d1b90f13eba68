"""App: one microservice, its template, its routing and its size; how it is released: `release_policy`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from laneway.spec.autoscaling import Behavior, MetricSpec
from laneway.spec.istio import HTTPRule, TrafficPolicy
from laneway.spec.kubernetes import PodTemplate, ServicePort
from laneway.spec.meta import DnsLabel, Model, Object
from laneway.spec.release_policy import ReleasePolicy
from laneway.spec.values import Surge

LanewayVersion = Literal["laneway.dev/v1alpha1"]


class Workload(Model):
    """The template: the user's own Deployment by name, or inline. Exactly one of the two."""

    deployment: DnsLabel | None = None
    template: PodTemplate | None = None


class AppService(Model):
    """The ports of the app's Service, which Laneway writes."""

    ports: list[ServicePort] = Field(min_length=1)


class Rule(HTTPRule):
    """An Istio HTTPRoute without `route`: the versions and their weights are Laneway's to fill in."""

    unsupported: ClassVar[Mapping[str, str]] = {
        "delegate": "write the rules of the delegate here",
        "route": "remove it: Laneway writes the versions and their weights",
    }


class Routing(Model):
    """Where the app is reached besides its mesh host, and the user's own rules."""

    unsupported: ClassVar[Mapping[str, str]] = {
        "exportTo": "remove it: rules hold for callers in every namespace",
    }

    gateways: list[str] = Field(default_factory=list)
    hosts: list[str] = Field(default_factory=list)
    order: int = 0
    http: list[Rule] = Field(default_factory=list)
    traffic_policy: TrafficPolicy | None = None


class DisruptionBudget(Model):
    """How many pods of the app an eviction may take away, or has to leave: as in a PodDisruptionBudget.

    max_unavailable: pods that may be away, a number or a share like 25%; min_available: pods that stay.
    """

    max_unavailable: int | str | None = None
    min_available: int | str | None = None


class Scale(Model):
    """Pods of the app as a whole: a fixed number, or bounds for an autoscaler.

    scaled_object: of a cluster with KEDA: the spec of the ScaledObject that stands in place of each
    HorizontalPodAutoscaler, without its target and its counts; disruption: of a cluster.
    """

    replicas: int | None = Field(default=None, ge=1)
    min: int | None = Field(default=None, ge=1)
    max: int | None = Field(default=None, ge=1)
    metrics: list[MetricSpec] = Field(default_factory=list)
    behavior: Behavior | None = None
    surge: Surge = 2_500
    scaled_object: dict[str, Any] | None = None
    disruption: DisruptionBudget | None = None


class AppSpec(Model):
    """What an App says.

    deletion: of a cluster, what becomes of what serves when the App is deleted: it stays as it is, is handed
    back to the template's own Deployment, or is deleted; drift: of a cluster, what becomes of an object of
    Laneway's that somebody else has changed.
    """

    workload: Workload
    service: AppService
    routing: Routing = Routing()
    scale: Scale | None = None
    release: ReleasePolicy = ReleasePolicy()
    deletion: Literal["retain", "handBack", "delete"] = "retain"
    drift: Literal["restore", "report"] = "restore"


class App(Object):
    """laneway.dev App."""

    inert: ClassVar[frozenset[str]] = frozenset({"status"})

    api_version: LanewayVersion = "laneway.dev/v1alpha1"
    kind: Literal["App"] = "App"
    spec: AppSpec
