"""What is kept of an object that is watched: few fields as they are, the rest as the JSON that came.

Owns how little memory an object takes. Must not know how it came, nor what becomes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from sys import intern
from typing import Any, NamedTuple

import msgspec
import orjson

from laneway.spec.meta import Key

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
SIDECAR_STATUS = "sidecar.istio.io/status"
SIDECAR_CONTAINER = "istio-proxy"


class Owner(NamedTuple):
    """An object that another belongs to. controller: it is the one that makes and removes it."""

    kind: str
    name: str
    uid: str
    controller: bool


class Seen(msgspec.Struct, frozen=True, gc=False):
    """An object of any kind.

    created: RFC 3339; deleting: its end has been asked for; raw: the whole object as JSON, without
    `managedFields` and without what client-side apply keeps of itself.
    """

    kind: str
    key: Key
    uid: str
    resource_version: str
    generation: int
    created: str
    deleting: bool
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    owners: tuple[Owner, ...]
    raw: bytes

    @property
    def controller(self) -> Owner | None:
        """Who makes and removes it."""
        return next((owner for owner in self.owners if owner.controller), None)

    def body(self) -> dict[str, Any]:
        """The whole object; decoded anew by each call, so it may be changed."""
        decoded: dict[str, Any] = orjson.loads(self.raw)
        return decoded


class PodSeen(msgspec.Struct, frozen=True, gc=False):
    """A pod, as far as releases ask.

    labels: only those wanted; ip: empty before it has one; sidecar: it has a proxy; gateway: only that.
    """

    key: Key
    uid: str
    labels: Mapping[str, str]
    ready: bool
    deleting: bool
    ip: str
    sidecar: bool
    phase: str
    gateway: bool = False


class _Reference(msgspec.Struct):
    kind: str
    name: str
    uid: str
    controller: bool | None = None


class _Meta(msgspec.Struct, rename="camel"):
    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[_Reference] | None = None


class _Named(msgspec.Struct):
    name: str


class _Condition(msgspec.Struct):
    type: str
    status: str


class _PodSpec(msgspec.Struct, rename="camel"):
    containers: list[_Named] = []
    init_containers: list[_Named] | None = None


class _PodStatus(msgspec.Struct, rename={"pod_ip": "podIP"}):
    phase: str = ""
    pod_ip: str = ""
    conditions: list[_Condition] | None = None


class _Pod(msgspec.Struct):
    metadata: _Meta
    spec: _PodSpec
    status: _PodStatus


_RAW = msgspec.json.Decoder(dict[str, msgspec.Raw])
_META = msgspec.json.Decoder(_Meta)
_POD = msgspec.json.Decoder(_Pod)
_encode = msgspec.json.encode


def seen(content: bytes) -> Seen:
    """An object from its JSON, with `kind` and `apiVersion`."""
    whole = _RAW.decode(content)
    meta = _META.decode(whole["metadata"])
    annotations = meta.annotations or {}
    annotations.pop(LAST_APPLIED, None)
    return Seen(
        kind=intern(orjson.loads(bytes(whole["kind"]))),
        key=_key(meta),
        uid=meta.uid,
        resource_version=meta.resource_version,
        generation=meta.generation,
        created=meta.creation_timestamp or "",
        deleting=meta.deletion_timestamp is not None,
        labels=_shared(meta.labels),
        annotations=_shared(annotations),
        owners=tuple(_owner(reference) for reference in meta.owner_references or ()),
        raw=_without_bookkeeping(whole, annotations),
    )


def pod_seen(labels: frozenset[str]) -> Callable[[bytes], PodSeen]:
    """What makes a PodSeen from a pod's JSON. labels: the names of those to keep."""

    def decode(content: bytes) -> PodSeen:
        pod = _POD.decode(content)
        return PodSeen(
            key=_key(pod.metadata),
            uid=pod.metadata.uid,
            labels=_shared({n: v for n, v in (pod.metadata.labels or {}).items() if n in labels}),
            ready=any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions or ()),
            deleting=pod.metadata.deletion_timestamp is not None,
            ip=pod.status.pod_ip,
            sidecar=_has_sidecar(pod),
            phase=intern(pod.status.phase),
            gateway=[container.name for container in pod.spec.containers] == [SIDECAR_CONTAINER],
        )

    return decode


def _has_sidecar(pod: _Pod) -> bool:
    if SIDECAR_STATUS in (pod.metadata.annotations or {}):
        return True
    containers = [*pod.spec.containers, *(pod.spec.init_containers or ())]
    return any(container.name == SIDECAR_CONTAINER for container in containers)


def _key(meta: _Meta) -> Key:
    return Key(intern(meta.namespace), meta.name)


def _owner(reference: _Reference) -> Owner:
    return Owner(intern(reference.kind), reference.name, reference.uid, bool(reference.controller))


def _without_bookkeeping(whole: dict[str, msgspec.Raw], annotations: Mapping[str, str]) -> bytes:
    metadata: dict[str, object] = {**_RAW.decode(whole["metadata"])}
    metadata.pop("managedFields", None)
    if "annotations" in metadata:
        metadata["annotations"] = annotations
    return _encode({**whole, "metadata": metadata})


def _shared(values: Mapping[str, str] | None) -> Mapping[str, str]:
    """Equal labels of many objects are one object in memory."""
    return _one_of(tuple(values.items())) if values else _NONE


@lru_cache(maxsize=4096)
def _one_of(items: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    return {intern(name): intern(value) for name, value in items}


_NONE: Mapping[str, str] = {}
