"""ConfigMaps and Secrets of a template: part of its revision, and kept with it. Pure.

A revision's pods read copies that never change, named after their content. So another content is another
revision, with a canary of its own, and a way back brings the old content back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
import orjson

from laneway.manifests import names
from laneway.spec.meta import Key

DIGITS = 8
COPY_OF = "laneway.dev/copy-of"
"""Annotation of a copy: the name of what it was copied from."""


class Content(msgspec.Struct, frozen=True):
    """A ConfigMap or Secret, without what it says. digest: of what it says; ours: it is a copy."""

    key: Key
    uid: str
    resource_version: str
    digest: str
    app: str


class Reference(NamedTuple):
    """What a template names. kind: `ConfigMap` or `Secret`."""

    kind: str
    name: str


class Copy(NamedTuple):
    """What is to be there for a template: `source`'s content of this digest, under a name of its own."""

    kind: str
    key: Key
    source: str
    digest: str


class _Meta(msgspec.Struct, rename="camel"):
    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    labels: dict[str, str] | None = None


class _Whole(msgspec.Struct, rename={"binary": "binaryData"}):
    metadata: _Meta
    data: msgspec.Raw = msgspec.Raw(b"null")
    binary: msgspec.Raw = msgspec.Raw(b"null")
    type: str = ""


_DECODER = msgspec.json.Decoder(_Whole)


def content(raw: bytes) -> Content:
    """What is kept of a ConfigMap or Secret."""
    whole = _DECODER.decode(raw)
    meta, labels = whole.metadata, whole.metadata.labels or {}
    ours = labels.get(names.MANAGED_BY) == names.LANEWAY
    said = [orjson.loads(bytes(whole.data)), orjson.loads(bytes(whole.binary)), whole.type]
    app = labels.get(names.APP, "") if ours else ""
    return Content(Key(meta.namespace, meta.name), meta.uid, meta.resource_version, _digest(said), app)


def digest_of(body: Mapping[str, Any]) -> str:
    """The digest of a whole object's content, as `content` gives it."""
    return _digest([body.get("data"), body.get("binaryData"), body.get("type", "")])


def _digest(said: list[Any]) -> str:
    return sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()


def references(template: Mapping[str, Any]) -> frozenset[Reference]:
    """The ConfigMaps and Secrets that a template's pods read."""
    return frozenset(Reference(kind, place[field]) for kind, place, field in _places(template))


def frozen(
    app: Key, template: Mapping[str, Any], known: Callable[[str, Key], Content | None]
) -> tuple[Mapping[str, Any], list[Copy]]:
    """The template with the names of copies in place of what they are copied from, and these copies.

    known: a ConfigMap or Secret; what is not there keeps its name, and its pods wait for it.
    """
    if not any(True for _ in _places(template)):
        return template, []
    changed = deepcopy(dict(template))
    copies: dict[Key, Copy] = {}
    for kind, place, field in list(_places(changed)):
        found = known(kind, Key(app.namespace, place[field]))
        if found is not None and not found.app:
            copy = _copy(app, kind, found)
            copies[copy.key] = copy
            place[field] = copy.key.name
    return changed, list(copies.values())


def _copy(app: Key, kind: str, found: Content) -> Copy:
    name = f"{app.name}-{found.key.name}-{found.digest[:DIGITS]}"
    return Copy(kind, Key(app.namespace, name), found.key.name, found.digest)


def copied(app: Key, copy: Copy, source: Mapping[str, Any]) -> dict[str, Any]:
    """The copy as an object. source: what it is a copy of."""
    labels = {names.MANAGED_BY: names.LANEWAY, names.APP: app.name}
    said = {field: source[field] for field in ("data", "binaryData", "type") if source.get(field)}
    return {
        "apiVersion": "v1",
        "kind": copy.kind,
        "metadata": {
            "name": copy.key.name,
            "namespace": copy.key.namespace,
            "labels": labels,
            "annotations": {COPY_OF: copy.source},
        },
        "immutable": True,
        **said,
    }


Place = tuple[str, dict[str, Any], str]


def _places(template: Mapping[str, Any]) -> Iterator[Place]:
    """Where a template names a ConfigMap or Secret: the kind, the mapping, the field with the name."""
    spec = template["spec"]
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        yield from _of_container(container)
    for volume in spec.get("volumes") or ():
        yield from _of_volume(volume)


def _of_container(container: Mapping[str, Any]) -> Iterator[Place]:
    for each in container.get("envFrom") or ():
        yield from _named(each, (("ConfigMap", "configMapRef"), ("Secret", "secretRef")))
    for variable in container.get("env") or ():
        source = variable.get("valueFrom") or {}
        yield from _named(source, (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")))


def _of_volume(volume: Mapping[str, Any]) -> Iterator[Place]:
    yield from _named(volume, (("ConfigMap", "configMap"),))
    if "secretName" in (secret := volume.get("secret") or {}):
        yield "Secret", secret, "secretName"
    for source in (volume.get("projected") or {}).get("sources") or ():
        yield from _named(source, (("ConfigMap", "configMap"), ("Secret", "secret")))


def _named(holder: Mapping[str, Any], fields: tuple[tuple[str, str], ...]) -> Iterator[Place]:
    for kind, field in fields:
        place = holder.get(field)
        if place and place.get("name"):
            yield kind, place, "name"
