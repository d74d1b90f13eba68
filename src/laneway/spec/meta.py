"""What every object has: identity and metadata. Must not know any one kind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
DNS_SUBDOMAIN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"

DnsLabel = Annotated[str, StringConstraints(pattern=DNS_LABEL, max_length=63)]
"""A name as RFC 1123 has it: lowercase letters, digits and dashes."""

ObjectName = Annotated[str, StringConstraints(pattern=DNS_SUBDOMAIN, max_length=253)]
"""A name as Kubernetes has it for most objects: DNS labels with dots between them."""


class Model(BaseModel):
    """A part of an object as people write it: camelCase, frozen, unknown fields refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        arbitrary_types_allowed=False,
    )

    unsupported: ClassVar[Mapping[str, str]] = {}
    """Genuine fields of the upstream kind that Laneway refuses, with what to do instead.

    They would change what a request meets.
    """
    refused_values: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    """By field, genuine values that Laneway refuses, with what to do instead."""
    inert: ClassVar[frozenset[str]] = frozenset()
    """Genuine fields that have no effect here: accepted with a warning, dropped."""
    confidential: ClassVar[frozenset[str]] = frozenset()
    """Fields of an object whose values stand in no message."""

    def written(self) -> dict[str, Any]:
        """The object as JSON values, without what was left unset."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)


class Key(NamedTuple):
    """What names an object of a given kind."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def key_of(obj: Mapping[str, Any]) -> Key:
    """Namespace (`default` where none is written) and name of an object as JSON values."""
    return Key(obj["metadata"].get("namespace", "default"), obj["metadata"]["name"])


class ObjectMeta(Model):
    """Kubernetes ObjectMeta, as far as Laneway reads it."""

    inert: ClassVar[frozenset[str]] = frozenset(
        {"managedFields", "selfLink", "generateName", "finalizers", "ownerReferences", "deletionTimestamp"}
    )

    name: ObjectName
    namespace: DnsLabel = "default"
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    creation_timestamp: datetime | None = None
    generation: int | None = None
    uid: str | None = None
    resource_version: str | None = None


class Object(Model):
    """An object with a kind."""

    api_version: str
    kind: str
    metadata: ObjectMeta

    @property
    def key(self) -> Key:
        """Namespace and name."""
        return Key(self.metadata.namespace, self.metadata.name)

    def written(self) -> dict[str, Any]:
        """The object as JSON values, without what was left unset; apiVersion and kind always lead."""
        return {"apiVersion": self.api_version, "kind": self.kind} | super().written()
