"""Volumes: files that a pod's container sees, made of ConfigMaps, Secrets, the pod's fields, or empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, model_validator

from laneway.spec.kubernetes.container import FieldRef
from laneway.spec.meta import DnsLabel, Model


def _relative(path: str) -> str:
    if path.startswith("/") or not path or {"", ".", ".."} & set(path.split("/")):
        raise ValueError(f"{path!r} is not a path inside a volume; write it like config.yaml")
    return path


FilePath = Annotated[str, AfterValidator(_relative)]
Mode = Annotated[int, Field(ge=0, le=0o777)]


class KeyToPath(Model):
    """A key as a file of another name."""

    key: str
    path: FilePath
    mode: Mode | None = None


class ConfigMapVolume(Model):
    """A file for each key of a ConfigMap, or for these alone."""

    name: str
    items: list[KeyToPath] = Field(default_factory=list)
    default_mode: Mode | None = None
    optional: bool = False


class SecretVolume(Model):
    """A file for each key of a Secret, or for these alone."""

    secret_name: str
    items: list[KeyToPath] = Field(default_factory=list)
    default_mode: Mode | None = None
    optional: bool = False


class SecretProjection(Model):
    """A Secret inside a projected volume."""

    name: str
    items: list[KeyToPath] = Field(default_factory=list)
    optional: bool = False


class ConfigMapProjection(SecretProjection):
    """A ConfigMap inside a projected volume."""


class EmptyDir(Model):
    """A folder of the pod's own, which is gone with it."""

    inert: ClassVar[frozenset[str]] = frozenset({"medium", "sizeLimit"})


class DownwardFile(Model):
    """A field of the pod as a file."""

    unsupported: ClassVar[Mapping[str, str]] = {"resourceFieldRef": "write the number in a ConfigMap"}

    path: FilePath
    field_ref: FieldRef
    mode: Mode | None = None


class DownwardApi(Model):
    """Fields of the pod as files."""

    items: list[DownwardFile] = Field(default_factory=list)
    default_mode: Mode | None = None


class Projection(Model):
    """One source of a projected volume."""

    unsupported: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("serviceAccountToken", "clusterTrustBundle", "podCertificate"),
        "remove it: there is no API server here; what the program needs may stand in a Secret",
    )

    config_map: ConfigMapProjection | None = None
    secret: SecretProjection | None = None
    downward_api: DownwardApi | None = Field(default=None, alias="downwardAPI")


class Projected(Model):
    """Several sources in one folder."""

    sources: list[Projection] = Field(default_factory=list)
    default_mode: Mode | None = None


_FILES = "keep the files in a folder of this machine, and name that in a variable"
_ELSEWHERE = {
    "hostPath": _FILES,
    "persistentVolumeClaim": f"{_FILES}; or run what keeps data yourself, and reach it by a ServiceEntry",
    "ephemeral": "write `emptyDir`",
    "csi": _FILES,
    "nfs": _FILES,
    "iscsi": _FILES,
    "image": _FILES,
    "gitRepo": _FILES,
    "local": _FILES,
}


class Volume(Model):
    """A volume: exactly one kind."""

    unsupported: ClassVar[Mapping[str, str]] = _ELSEWHERE

    name: DnsLabel
    config_map: ConfigMapVolume | None = None
    secret: SecretVolume | None = None
    empty_dir: EmptyDir | None = None
    downward_api: DownwardApi | None = Field(default=None, alias="downwardAPI")
    projected: Projected | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Volume:
        kinds = (self.config_map, self.secret, self.empty_dir, self.downward_api, self.projected)
        if sum(each is not None for each in kinds) != 1:
            raise ValueError(
                "a volume is of one kind; write one of configMap, secret, emptyDir, downwardAPI and projected"
            )
        return self

    @property
    def writable(self) -> bool:
        """Whether the container may write to it."""
        return self.empty_dir is not None
