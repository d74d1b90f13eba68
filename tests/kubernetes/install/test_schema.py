"""Schemas of the kinds: what a CustomResourceDefinition may say, and what it must not say of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from laneway.kubernetes.install.crds import crds
from laneway.kubernetes.install.forms import ANYTHING, INT_OR_TEXT
from laneway.kubernetes.install.schema import schema_of
from laneway.spec.app import Routing, Scale, Workload
from laneway.spec.lane import LaneSpec
from laneway.spec.release_policy import ReleasePolicy, Step

Schema = dict[str, Any]
WORDS = {"$ref", "$defs", "title", "anyOf", "allOf", "oneOf", "const", "nullable", "gt", "examples"}


def schemas() -> Iterator[Any]:
    """The schema of each kind."""
    for definition in crds():
        kind = definition["spec"]["names"]["kind"]
        whole = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        yield pytest.param(whole, id=kind)


def parts(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """The schema and all of its parts."""
    yield path, schema
    for name, part in schema.get("properties", {}).items():
        yield from parts(part, f"{path}.{name}")
    if "items" in schema:
        yield from parts(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from parts(schema["additionalProperties"], f"{path}{{}}")


def explained(schema: Schema, path: str = "") -> Iterator[tuple[str, str]]:
    """What is said of each field."""
    for where, part in parts(schema, path):
        for name, below in part.get("properties", {}).items():
            yield f"{where}.{name}", below.get("description", "")


@pytest.mark.parametrize("schema", list(schemas()))
def test_schemas_are_structural(schema: Schema) -> None:
    """Each part has one type, or says that it has none; nothing is referred to."""
    for path, part in parts(schema):
        assert not WORDS & part.keys(), path
        assert ("type" in part) or part.get(ANYTHING) or part.get(INT_OR_TEXT), path
        assert not ({"properties", "additionalProperties"} <= part.keys()), path
        assert (part.get("type") == "array") == ("items" in part), path


@pytest.mark.parametrize("schema", list(schemas()))
def test_every_field_is_explained(schema: Schema) -> None:
    """In whole sentences."""
    for path, said in explained(schema):
        assert path == ".metadata" or said.endswith((".", ")")), f"{path}: {said}"
        assert not re.search(r"[a-z]_[a-z]", said), f"{path}: {said}"


@pytest.mark.parametrize("schema", list(schemas()))
def test_no_default_stands_in_a_list(schema: Schema) -> None:
    """What compares lists as a whole would see a difference for ever."""
    for path, part in parts(schema):
        assert "default" not in part or "[]" not in path, path


def test_defaults_are_as_people_write_them() -> None:
    """A duration is no number of seconds, and a percentage no basis points."""
    policy = schema_of(ReleasePolicy)["properties"]
    assert policy["keepOld"]["default"] == "0s"
    assert policy["steps"]["default"] == [{"weight": 20}, {"weight": 100}]
    assert policy["rollback"]["properties"]["overload"]["default"] == "150%"
    assert schema_of(Scale)["properties"]["surge"]["default"] == "25%"


def test_what_is_istios_or_kubernetes_has_no_default_of_ours() -> None:
    """Their own defaults are theirs to fill in, where Laneway passes a part on."""
    routing = schema_of(Routing)["properties"]
    for path, part in (*parts(routing["http"]), *parts(routing["trafficPolicy"])):
        assert "default" not in part, path


def test_a_template_is_kept_whole() -> None:
    """Nothing of it is dropped or refused: a revision is the hash of what was written."""
    template = schema_of(Workload)["properties"]["template"]
    for path, part in parts(template):
        assert part.get(ANYTHING) or "properties" not in part, path
        assert not {"default", "enum", "pattern", "required", "minimum", "maxItems"} & part.keys(), path
    assert "initContainers" not in template["properties"]["spec"]["properties"]
    containers = template["properties"]["spec"]["properties"]["containers"]["items"]["properties"]
    assert containers["image"]["type"] == "string"


def test_refused_fields_say_what_to_write_instead() -> None:
    """The API server names the only value that such a field takes, which is the remedy."""
    said = schema_of(LaneSpec)["properties"]["entry"]
    assert said["enum"] == [
        "not supported by Laneway; remove it, and let callers send the header of the lane"
    ]


def test_a_field_that_may_be_null_is_one_that_may_be_left_out() -> None:
    """The API server drops such nulls, as reading does."""
    step = schema_of(Step)
    assert step["properties"]["hold"]["type"] == "string"
    assert step["required"] == ["weight"]
