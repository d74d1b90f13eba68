"""Values that a template refers to: keys of ConfigMaps and Secrets, and fields of its own pod. Pure.

Must not know how objects are stored, nor what a value is for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from laneway.local.pod.pods import Pod, Trouble
from laneway.spec.kubernetes import ConfigMap, EnvFrom, EnvVarSource, KeyRef, Secret
from laneway.spec.kubernetes.container import FIELD_OF_A_MAP
from laneway.spec.meta import Key

NODE = "localhost"
"""`spec.nodeName` of every pod here."""

NODE_IP = "127.0.0.1"

Find = Callable[[str, str], Mapping[str, bytes] | None]
"""The values of a ConfigMap or a Secret of the pod's namespace, by kind and name; None without one."""


class CannotStartError(Exception):
    """Why a pod cannot be started, with the remedy; shown in its status, tried again with backoff."""

    trouble = Trouble.CANNOT_START


class MissingValueError(CannotStartError):
    """A ConfigMap, a Secret, or a key of one is not there."""

    trouble = Trouble.CONFIGURATION


def finder(get: Callable[[str, Key], Mapping[str, Any] | None], namespace: str) -> Find:
    """Looks values up among stored objects."""

    def find(kind: str, name: str) -> Mapping[str, bytes] | None:
        body = get(kind, Key(namespace, name))
        if body is None:
            return None
        model: type[ConfigMap | Secret] = Secret if kind == "Secret" else ConfigMap
        return model.model_validate(body).values

    return find


def value_of(source: EnvVarSource, pod: Pod, find: Find) -> str | None:
    """A variable's value; None where it is optional and missing. Raises MissingValueError."""
    if source.field_ref is not None:
        return field(pod, source.field_ref.field_path)
    if source.secret_key_ref is not None:
        return _value("Secret", source.secret_key_ref, find)
    assert source.config_map_key_ref is not None
    return _value("ConfigMap", source.config_map_key_ref, find)


def imported(group: EnvFrom, find: Find) -> dict[str, str]:
    """Every key of a ConfigMap or a Secret as a variable. Raises MissingValueError."""
    kind, ref = ("Secret", group.secret_ref) if group.secret_ref else ("ConfigMap", group.config_map_ref)
    assert ref is not None
    found = values(kind, ref.name, ref.optional, find)
    return {f"{group.prefix}{key}": _text(value) for key, value in found.items()}


def values(kind: str, name: str, optional: bool, find: Find) -> Mapping[str, bytes]:
    """All values of an object; none where it is optional and missing. Raises MissingValueError."""
    found = find(kind, name)
    if found is None and not optional:
        raise MissingValueError(f"there is no {kind} {name}: apply it, or write `optional: true`")
    return found or {}


def field(pod: Pod, path: str) -> str:
    """A field of the pod, as `fieldPath` names it; empty for a label or an annotation that it has not."""
    if match := FIELD_OF_A_MAP.fullmatch(path):
        return (pod.labels if match[1] == "labels" else pod.annotations).get(match[2], "")
    return {
        "metadata.name": pod.key.name,
        "metadata.namespace": pod.key.namespace,
        "metadata.uid": pod.uid,
        "spec.nodeName": NODE,
        "status.hostIP": NODE_IP,
        "status.podIP": pod.pod_ip,
        "status.podIPs": pod.pod_ip,
    }[path]


def _value(kind: str, ref: KeyRef, find: Find) -> str | None:
    found = values(kind, ref.name, ref.optional, find)
    if ref.key in found:
        return _text(found[ref.key])
    if ref.optional:
        return None
    raise MissingValueError(
        f"{kind} {ref.name} has no key {ref.key}: add it, or write `optional: true`; "
        f"its keys are {', '.join(sorted(found)) or 'none'}"
    )


def _text(value: bytes) -> str:
    return value.decode(errors="surrogateescape")
