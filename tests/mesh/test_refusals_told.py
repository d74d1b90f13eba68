"""What the mesh refuses, word for word: an example for each place of the code that refuses something."""

from __future__ import annotations

import ast
import inspect
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import yaml
from tests.mesh.mesh_objects import KINDS

import laneway.mesh.refusals
from laneway.mesh.refusals import refusals_of
from laneway.mesh.registry import MeshObject
from laneway.spec.istio import policy_faults, validation
from laneway.spec.istio.validation import BODY_BYTES_MAX

Line = tuple[str, int]
"""A file and a line in it."""

EXAMPLES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("refused.yaml").read_text())
FILES = [
    *sorted(Path(laneway.mesh.refusals.__file__).parent.glob("*.py")),
    *(Path(inspect.getfile(module)) for module in (policy_faults, validation)),
]


def object_of(example: dict[str, Any]) -> MeshObject:
    """What is refused."""
    spec = json.loads(json.dumps(example["spec"]).replace("LONG", "x" * (BODY_BYTES_MAX + 1)))
    version = "v1" if example["kind"] == "Service" else "networking.istio.io/v1"
    body = {"apiVersion": version, "metadata": {"name": "a", "namespace": "shop"}, "spec": spec}
    return KINDS[example["kind"]].model_validate(body)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example['kind']}-{example['refused']}")
def test_what_is_refused_is_told(example: dict[str, Any]) -> None:
    """The field, why, and what to do."""
    found = [f"{refusal.field}: {refusal.text}" for refusal in refusals_of(object_of(example))]
    assert found == [example["refused"]]


def test_nothing_is_refused_without_an_example() -> None:
    """Every `yield` of a finding runs for one of them."""
    places, reached = set(findings()), set[Line]()
    files = {file for file, _ in places}
    objects = [object_of(example) for example in EXAMPLES]

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        del event, argument
        line = frame.f_code.co_filename, frame.f_lineno
        reached.update({line} & places)
        return trace if line[0] in files else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        for value in objects:
            refusals_of(value)
    finally:
        sys.settrace(before)
    assert sorted(places - reached) == []


def findings() -> Iterator[Line]:
    """The places at which something is refused."""
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Yield):
                yield str(file), node.lineno
