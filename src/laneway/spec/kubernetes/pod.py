"""The pod template: what a revision is made of."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from laneway.spec.kubernetes.container import Container
from laneway.spec.meta import Model


class PodSpec(Model):
    """A pod with exactly one container."""

    unsupported: ClassVar[frozenset[str]] = frozenset(
        {"initContainers", "volumes", "hostNetwork", "ephemeralContainers"}
    )
    inert: ClassVar[frozenset[str]] = frozenset(
        {
            "serviceAccountName", "serviceAccount", "automountServiceAccountToken", "restartPolicy",
            "nodeSelector", "affinity", "tolerations", "topologySpreadConstraints", "imagePullSecrets",
            "securityContext",
            "schedulerName", "priorityClassName", "dnsPolicy", "enableServiceLinks",
        }
    )  # fmt: skip

    containers: list[Container] = Field(min_length=1, max_length=1)
    termination_grace_period_seconds: int = Field(default=30, ge=0)


class TemplateMeta(Model):
    """Labels and annotations that every pod of a template gets."""

    inert: ClassVar[frozenset[str]] = frozenset({"creationTimestamp", "name", "namespace"})

    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


class PodTemplate(Model):
    """A PodTemplateSpec: what a revision is made of."""

    metadata: TemplateMeta = Field(default_factory=TemplateMeta)
    spec: PodSpec
