"""Deployment: replicas of one pod template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from laneway.spec.kubernetes.pod import PodTemplate
from laneway.spec.meta import Model, Object


class LabelSelector(Model):
    """Selects pods that carry all of these labels."""

    unsupported: ClassVar[Mapping[str, str]] = {"matchExpressions": "write `matchLabels`"}

    match_labels: dict[str, str] = Field(default_factory=dict)


class DeploymentSpec(Model):
    """Replicas of one template."""

    inert: ClassVar[frozenset[str]] = frozenset(
        {"strategy", "revisionHistoryLimit", "progressDeadlineSeconds", "minReadySeconds", "paused"}
    )

    replicas: int | None = Field(default=None, ge=0)
    selector: LabelSelector = Field(default_factory=LabelSelector)
    template: PodTemplate


class Deployment(Object):
    """apps/v1 Deployment: the template of an App, or a workload of its own."""

    inert: ClassVar[frozenset[str]] = frozenset({"status"})

    api_version: Literal["apps/v1"] = "apps/v1"
    kind: Literal["Deployment"] = "Deployment"
    spec: DeploymentSpec
