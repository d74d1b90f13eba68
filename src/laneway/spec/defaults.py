"""Objects as they are meant: with every default filled in, and without what the store sets."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from laneway.spec.meta import Object

SERVER_SET = frozenset(
    {"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"}
)
"""Fields of metadata that the store or an API server sets."""


def with_defaults(obj: Object) -> dict[str, Any]:
    """The object as JSON values, with every field that has a default; empty ones only where written."""
    whole = obj.model_dump(mode="json", by_alias=True, exclude_none=True)
    pruned: dict[str, Any] = _pruned(obj, whole)
    return {"apiVersion": obj.api_version, "kind": obj.kind} | pruned


def _pruned(value: Any, dumped: Any) -> Any:
    """A dumped value without the empty lists and mappings that nobody wrote."""
    match value:
        case BaseModel():
            found = {}
            for name, field in type(value).model_fields.items():
                alias = field.serialization_alias or field.alias or name
                if alias not in dumped:
                    continue
                part = _pruned(getattr(value, name), dumped[alias])
                if name in value.model_fields_set or part not in ({}, []):
                    found[alias] = part
            return found
        case list() | tuple():
            return [_pruned(each, part) for each, part in zip(value, dumped, strict=True)]
        case dict() if all(isinstance(name, str) for name in value):
            return {name: _pruned(value[name], part) for name, part in dumped.items()}
    return dumped


def without_server_fields(body: dict[str, Any]) -> dict[str, Any]:
    """A stored object as somebody would write it: without status and what the store sets."""
    metadata = {name: value for name, value in body["metadata"].items() if name not in SERVER_SET}
    return {name: value for name, value in body.items() if name != "status"} | {"metadata": metadata}
