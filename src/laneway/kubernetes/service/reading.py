"""Objects of a cluster as models: as much of each as a model can say. Pure.

A cluster has fields that no model here knows. What decides on one machine refuses them; here they are the
API server's matter, and are passed over. Must not decide anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from laneway.kubernetes.parsing import METADATA
from laneway.kubernetes.part import PLACEHOLDER
from laneway.spec.fields import Flaw, path_text, read_fields
from laneway.spec.load import KINDS
from laneway.spec.meta import Object
from laneway.spec.yaml import Path

Json = dict[str, Any]

ROUNDS_MAX = 4
"""So often is what cannot be read left out; a value may be wrong only once another one is gone."""
CLUSTER_SCOPED = "default"
"""The namespace that a model of an object without one has."""
_MARKER = re.compile(r"~[0-9a-f]{10}$")
"""How the name of each rule ends that the controller has written: see `confirm.markers`."""


def read(body: Mapping[str, Any]) -> tuple[Object | None, list[str]]:
    """The object as a model, None where it is of no kind that is read; and what of it was passed over."""
    kind = body["kind"]
    if kind not in KINDS:
        return None, []
    value, passed = plain(body), list[str]()
    for _ in range(ROUNDS_MAX):
        found, flaws = read_fields(KINDS[kind], value)
        passed += [path_text(flaw.path) for flaw in flaws if flaw.code.severity == "error"]
        if found is not None:
            return found, passed
        value = _without(value, flaws)
    return None, passed


def plain(body: Mapping[str, Any]) -> Json:
    """The object without what an API server keeps beside what people wrote, and without templates."""
    metadata = {name: value for name, value in body["metadata"].items() if name in METADATA}
    said = {name: value for name, value in body.items() if name != "status"} | {"metadata": metadata}
    match body["kind"]:
        case "Deployment":
            return said | {"spec": _of_deployment(body["spec"])}
        case "App" if (body["spec"].get("workload") or {}).get("template") is not None:
            return said | {"spec": body["spec"] | {"workload": {"template": PLACEHOLDER}}}
        case "Release" if body.get("status"):
            return said | {"status": body["status"]}
    return said


def _of_deployment(spec: Mapping[str, Any]) -> Json:
    """What others refer to: its size and its pods' labels. The template is kept as it is, elsewhere."""
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    template = {"metadata": {"labels": labels}, **PLACEHOLDER}
    selector = {"matchLabels": (spec.get("selector") or {}).get("matchLabels") or {}}
    size = {"replicas": spec["replicas"]} if isinstance(spec.get("replicas"), int) else {}
    return {"selector": selector, "template": template, **size}


def without_markers(body: Json) -> Json:
    """A VirtualService with its rules named as they are planned."""
    if body["kind"] != "VirtualService" or "http" not in body.get("spec", {}):
        return body
    rules = [_unmarked(rule) for rule in body["spec"]["http"]]
    return body | {"spec": body["spec"] | {"http": rules}}


def _unmarked(rule: Json) -> Json:
    name = _MARKER.sub("", rule.get("name", ""))
    rest = {field: value for field, value in rule.items() if field != "name"}
    return {"name": name, **rest} if name else rest


def _without(value: Json, flaws: list[Flaw]) -> Json:
    """The value without the parts at these paths; deeper ones first."""
    for flaw in sorted(flaws, key=lambda flaw: len(flaw.path), reverse=True):
        value = _cut(value, flaw.path)
    return value


def _cut(value: Any, path: Path) -> Any:
    if not path:
        return value
    first, *rest = path
    if isinstance(value, dict) and first in value:
        if not rest:
            return {name: part for name, part in value.items() if name != first}
        return value | {first: _cut(value[first], tuple(rest))}
    if isinstance(value, list) and isinstance(first, int) and first < len(value):
        changed = [] if not rest else [_cut(value[first], tuple(rest))]
        return [*value[:first], *changed, *value[first + 1 :]]
    return value
