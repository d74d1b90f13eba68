"""The pod template: what a revision is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, model_validator

from laneway.spec.kubernetes.container import Container
from laneway.spec.kubernetes.volume import Volume
from laneway.spec.meta import Model


def _one(containers: list[Container]) -> list[Container]:
    if len(containers) == 1:
        return containers
    if not containers:
        raise ValueError("is empty; add at least 1")
    names = ", ".join(container.name for container in containers[1:])
    raise ValueError(
        f"a pod has one container here, beside the sidecar that Laneway adds; "
        f"leave out {names}, or make a Deployment of each"
    )


class PodSpec(Model):
    """A pod with exactly one container."""

    unsupported: ClassVar[Mapping[str, str]] = {
        "initContainers": "do its work in the container's own command, or before `laneway up`",
        "hostNetwork": "remove it: peers reach the pod by its Service",
        "hostPID": "remove it: processes of other pods are not for this one to see",
        "hostIPC": "remove it: processes of other pods are not for this one to see",
        "ephemeralContainers": "remove it: `laneway exec` runs a program beside the application",
    }
    inert: ClassVar[frozenset[str]] = frozenset(
        {
            "serviceAccountName", "serviceAccount", "automountServiceAccountToken", "restartPolicy",
            "nodeSelector", "affinity", "tolerations", "topologySpreadConstraints", "imagePullSecrets",
            "securityContext",
            "schedulerName", "priorityClassName", "dnsPolicy",
        }
    )  # fmt: skip

    containers: Annotated[list[Container], AfterValidator(_one)]
    volumes: list[Volume] = Field(default_factory=list)
    termination_grace_period_seconds: int = Field(default=30, ge=0)
    enable_service_links: bool = True

    @model_validator(mode="after")
    def _mounts_are_of_volumes(self) -> PodSpec:
        names = [volume.name for volume in self.volumes]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two volumes are named {twice[0]}; rename one")
        mounted = [mount.name for container in self.containers for mount in container.volume_mounts]
        if missing := [name for name in mounted if name not in names]:
            there = ", ".join(names) or "none"
            raise ValueError(f"volumeMounts name {missing[0]}, which is no volume; the volumes are: {there}")
        return self


class TemplateMeta(Model):
    """Labels and annotations that every pod of a template gets."""

    inert: ClassVar[frozenset[str]] = frozenset({"creationTimestamp", "name", "namespace"})

    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


class PodTemplate(Model):
    """A PodTemplateSpec: what a revision is made of."""

    metadata: TemplateMeta = Field(default_factory=TemplateMeta)
    spec: PodSpec

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels that every pod of it gets."""
        return self.metadata.labels

    @property
    def image(self) -> str:
        """The image of its container, empty where none is said."""
        return self.spec.containers[0].image or ""

    def content(self) -> dict[str, Any]:
        """The template without what is a default."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
