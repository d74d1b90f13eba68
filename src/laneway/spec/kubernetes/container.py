"""Container: what runs in a pod, its variables, ports, files and sizes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from laneway.spec.kubernetes.probe import Lifecycle, Probe
from laneway.spec.meta import Model
from laneway.spec.protocols import OTHER_TRANSPORTS
from laneway.spec.values import Quantity

FIELDS = (
    "metadata.name", "metadata.namespace", "metadata.uid",
    "metadata.labels['KEY']", "metadata.annotations['KEY']",
    "spec.nodeName", "status.hostIP", "status.podIP", "status.podIPs",
)  # fmt: skip
"""Fields of a pod that a variable may have the value of."""

FIELD_OF_A_MAP = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


def _mount_path(path: str) -> str:
    if not path.startswith("/") or ":" in path or ".." in path.split("/") or not path.strip("/"):
        raise ValueError(f"{path!r} is not a path to mount at; write it like /etc/pharmacy")
    return path


def _inside(path: str) -> str:
    if path.startswith("/") or ".." in path.split("/"):
        raise ValueError(f"{path!r} is not inside the volume; write it like config.yaml")
    return path


def _variable(name: str) -> str:
    if not name or "=" in name or not name.isascii() or not name.isprintable():
        raise ValueError(f"{name!r} is not a variable's name; write it like LOG_LEVEL")
    return name


class KeyRef(Model):
    """A key of a ConfigMap or a Secret in the pod's namespace. optional: unset where it is missing."""

    name: str
    key: str
    optional: bool = False


class FieldRef(Model):
    """A field of the pod itself."""

    inert: ClassVar[frozenset[str]] = frozenset({"apiVersion"})

    field_path: str

    @model_validator(mode="after")
    def _is_known(self) -> FieldRef:
        if self.field_path not in FIELDS and not FIELD_OF_A_MAP.fullmatch(self.field_path):
            raise ValueError(f"{self.field_path} cannot be read here; write one of {', '.join(FIELDS)}")
        return self


class EnvVarSource(Model):
    """Where a variable's value comes from: exactly one of these."""

    unsupported: ClassVar[Mapping[str, str]] = {
        "resourceFieldRef": "write the number as `value`",
        "fileKeyRef": "write the value in a ConfigMap or a Secret",
    }

    config_map_key_ref: KeyRef | None = None
    secret_key_ref: KeyRef | None = None
    field_ref: FieldRef | None = None

    @model_validator(mode="after")
    def _is_one(self) -> EnvVarSource:
        if (
            sum(each is not None for each in (self.config_map_key_ref, self.secret_key_ref, self.field_ref))
            != 1
        ):
            raise ValueError(
                "a value has one source; write exactly one of configMapKeyRef, secretKeyRef and fieldRef"
            )
        return self


class EnvVar(Model):
    """A variable of a container."""

    name: Annotated[str, AfterValidator(_variable)]
    value: str = ""
    value_from: EnvVarSource | None = None

    @model_validator(mode="after")
    def _is_said_once(self) -> EnvVar:
        if self.value and self.value_from is not None:
            raise ValueError("both `value` and `valueFrom`; keep one of the two")
        return self


class ObjectRef(Model):
    """A ConfigMap or a Secret in the pod's namespace. optional: nothing where it is missing."""

    name: str
    optional: bool = False


class EnvFrom(Model):
    """Every key of a ConfigMap or a Secret as a variable. prefix: before each name."""

    prefix: str = ""
    config_map_ref: ObjectRef | None = None
    secret_ref: ObjectRef | None = None

    @model_validator(mode="after")
    def _is_one(self) -> EnvFrom:
        if (self.config_map_ref is None) == (self.secret_ref is None):
            raise ValueError("variables have one source; write either configMapRef or secretRef")
        return self


class ContainerPort(Model):
    """A port that a container listens on."""

    inert: ClassVar[frozenset[str]] = frozenset({"hostPort", "hostIP"})
    refused_values: ClassVar[Mapping[str, Mapping[str, str]]] = {"protocol": OTHER_TRANSPORTS}

    name: str | None = None
    container_port: int = Field(ge=1, le=65535)
    protocol: Literal["TCP"] = "TCP"


class ResourceRequirements(Model):
    """Sizes by resource: `cpu` in cores, `memory` in bytes."""

    inert: ClassVar[frozenset[str]] = frozenset({"claims"})

    limits: dict[str, Quantity] = Field(default_factory=dict)
    requests: dict[str, Quantity] = Field(default_factory=dict)

    def requested(self, name: str) -> Decimal | None:
        """The request; the limit where none is written, as in Kubernetes; None without either."""
        return self.requests.get(name, self.limits.get(name))


class VolumeMount(Model):
    """Where a container sees a volume of its pod. sub_path: a file or folder of it alone."""

    unsupported: ClassVar[Mapping[str, str]] = {"subPathExpr": "write `subPath`"}
    inert: ClassVar[frozenset[str]] = frozenset({"mountPropagation", "recursiveReadOnly"})

    name: str
    mount_path: Annotated[str, AfterValidator(_mount_path)]
    sub_path: Annotated[str, AfterValidator(_inside)] = ""
    read_only: bool = False


def _one_success(probe: Probe) -> Probe:
    if probe.success_threshold != 1:
        raise ValueError("successThreshold is 1 for livenessProbe and startupProbe; leave it out")
    return probe


def _ends_nothing(probe: Probe) -> Probe:
    if probe.termination_grace_period_seconds is not None:
        raise ValueError("a readinessProbe ends nothing; leave terminationGracePeriodSeconds out")
    return probe


class Container(Model):
    """The one container of a pod."""

    unsupported: ClassVar[Mapping[str, str]] = {"volumeDevices": "remove it: there are no block devices here"}
    inert: ClassVar[frozenset[str]] = frozenset(
        {
            "imagePullPolicy", "securityContext", "terminationMessagePath",
            "terminationMessagePolicy", "stdin", "tty",
        }
    )  # fmt: skip

    name: str
    image: str | None = None
    command: list[str] = Field(default_factory=list)
    args: list[str] = Field(default_factory=list)
    working_dir: str | None = None
    env: list[EnvVar] = Field(default_factory=list)
    env_from: list[EnvFrom] = Field(default_factory=list)
    ports: list[ContainerPort] = Field(default_factory=list)
    resources: ResourceRequirements = ResourceRequirements()
    volume_mounts: list[VolumeMount] = Field(default_factory=list)
    readiness_probe: Annotated[Probe, AfterValidator(_ends_nothing)] | None = None
    liveness_probe: Annotated[Probe, AfterValidator(_one_success)] | None = None
    startup_probe: Annotated[Probe, AfterValidator(_one_success)] | None = None
    lifecycle: Lifecycle = Lifecycle()
