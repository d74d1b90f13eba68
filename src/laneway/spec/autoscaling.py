"""HorizontalPodAutoscaler of autoscaling/v2, and the parts of it that an App's `scale` has too.

Owns what the fields mean and Kubernetes' defaults. Must not know how a number of pods is computed.
Source: k8s.io/api/autoscaling/v2 (types) and pkg/apis/autoscaling (defaults, limits) of Kubernetes 1.36.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from laneway.spec.kubernetes import LabelSelector
from laneway.spec.meta import Model, Object
from laneway.spec.values import Quantity

REQUESTS_PER_SECOND = "requests_per_second"
"""The one metric of type Pods here: requests per second that the pod's sidecar took in."""


class MetricTarget(Model):
    """What a metric shall be, on average over the pods or as a whole. Utilization: percent of the request."""

    type: Literal["Utilization", "Value", "AverageValue"]
    average_utilization: int | None = Field(default=None, ge=1)
    average_value: Quantity | None = Field(default=None, gt=0)
    value: Quantity | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _has_what_its_type_names(self) -> MetricTarget:
        values = {
            "Utilization": ("averageUtilization", self.average_utilization),
            "Value": ("value", self.value),
            "AverageValue": ("averageValue", self.average_value),
        }
        for kind, (name, value) in values.items():
            if (kind == self.type) != (value is not None):
                stands = "without" if value is None else "beside"
                raise ValueError(f"`{name}` {stands} type {self.type}; write the field that the type names")
        return self


def _target(target: MetricTarget, *types: str) -> None:
    if target.type not in types:
        raise ValueError(f"its target cannot be {target.type}; write {' or '.join(types)}")


class MetricIdentifier(Model):
    """A metric by name, and which of its series."""

    name: str = Field(min_length=1)
    selector: LabelSelector | None = None


class ResourceMetric(Model):
    """What a pod's container uses: `cpu` in cores, `memory` in bytes."""

    name: Literal["cpu", "memory"]
    target: MetricTarget

    @model_validator(mode="after")
    def _averages(self) -> ResourceMetric:
        _target(self.target, "Utilization", "AverageValue")
        return self


class PodsMetric(Model):
    """A number that each pod has."""

    metric: MetricIdentifier
    target: MetricTarget

    @model_validator(mode="after")
    def _averages(self) -> PodsMetric:
        _target(self.target, "AverageValue")
        if self.metric.name != REQUESTS_PER_SECOND:
            raise ValueError(f"pods have no metric {self.metric.name!r} here; write {REQUESTS_PER_SECOND}")
        return self


class ObjectReference(Model):
    """Names an object in the autoscaler's namespace."""

    api_version: str | None = None
    kind: str
    name: str


class ObjectMetric(Model):
    """A number that describes one object."""

    described_object: ObjectReference
    metric: MetricIdentifier
    target: MetricTarget

    @model_validator(mode="after")
    def _values(self) -> ObjectMetric:
        _target(self.target, "Value", "AverageValue")
        return self


class ExternalMetric(Model):
    """A number from outside, like the length of a queue."""

    metric: MetricIdentifier
    target: MetricTarget

    @model_validator(mode="after")
    def _values(self) -> ExternalMetric:
        _target(self.target, "Value", "AverageValue")
        return self


class MetricSpec(Model):
    """One metric. A pod has one container, so ContainerResource is Resource."""

    unsupported: ClassVar[Mapping[str, str]] = {
        "containerResource": "write type Resource: a pod has one container"
    }

    refused_values: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "type": {"ContainerResource": "write Resource: a pod has one container"}
    }

    type: Literal["Resource", "Pods", "Object", "External"]
    resource: ResourceMetric | None = None
    pods: PodsMetric | None = None
    object: ObjectMetric | None = None
    external: ExternalMetric | None = None

    @model_validator(mode="after")
    def _has_what_its_type_names(self) -> MetricSpec:
        named = self.type.lower()
        for name in ("resource", "pods", "object", "external"):
            if (name == named) != (getattr(self, name) is not None):
                stands = "without" if name == named else "beside"
                raise ValueError(f"`{name}` {stands} type {self.type}; write the field that the type names")
        return self

    @property
    def said(self) -> ResourceMetric | PodsMetric | ObjectMetric | ExternalMetric:
        """The part that the type names."""
        found = self.resource or self.pods or self.object or self.external
        assert found is not None, "validated"
        return found

    @property
    def target(self) -> MetricTarget:
        """What it shall be."""
        return self.said.target


class ScalingPolicy(Model):
    """The most pods, or percent of them, by which a period may change the number of pods."""

    type: Literal["Pods", "Percent"]
    value: int = Field(ge=1)
    period_seconds: int = Field(ge=1, le=1_800)


class ScalingRules(Model):
    """How fast to go in one direction. What is left out is Kubernetes' default for that direction.

    tolerance: how far, as a part of the target, a metric may be off without a change.
    """

    stabilization_window_seconds: int | None = Field(default=None, ge=0, le=3_600)
    select_policy: Literal["Max", "Min", "Disabled"] = "Max"
    policies: list[ScalingPolicy] = Field(default_factory=list)
    tolerance: Quantity | None = None


class Behavior(Model):
    """How fast to go up and down."""

    scale_up: ScalingRules = ScalingRules()
    scale_down: ScalingRules = ScalingRules()


class HorizontalPodAutoscalerSpec(Model):
    """Which pods, between which bounds, by which metrics; without any, 80 % of the requested CPU."""

    scale_target_ref: ObjectReference
    min_replicas: int = Field(default=1, ge=1)
    max_replicas: int = Field(ge=1)
    metrics: list[MetricSpec] = Field(default_factory=list)
    behavior: Behavior | None = None

    @property
    def followed(self) -> list[MetricSpec]:
        """The metrics that it goes by."""
        return self.metrics or [DEFAULT_METRIC]


DEFAULT_METRIC = MetricSpec.model_validate(
    {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
    }
)


class HorizontalPodAutoscaler(Object):
    """autoscaling/v2 HorizontalPodAutoscaler of a Deployment."""

    inert: ClassVar[frozenset[str]] = frozenset({"status"})

    api_version: Literal["autoscaling/v2"] = "autoscaling/v2"
    kind: Literal["HorizontalPodAutoscaler"] = "HorizontalPodAutoscaler"
    spec: HorizontalPodAutoscalerSpec
