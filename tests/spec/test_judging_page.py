"""docs/judging.md: its examples are right, and every field that it is about stands on it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from laneway.plan.judging import METRICS
from laneway.spec import recording
from laneway.spec.fields import read_fields
from laneway.spec.release_policy import Judge, JudgedMetric, ReleasePolicy

PAGE = (Path(__file__).parents[2] / "docs" / "judging.md").read_text()


def blocks(language: str) -> list[str]:
    """The page's examples in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", blocks("yaml"))
def test_an_example_of_a_policy_has_no_problem(example: str) -> None:
    """It may be copied."""
    written = yaml.safe_load(example)
    found, flaws = read_fields(ReleasePolicy, written.get("release", written))
    assert flaws == []
    assert found is not None
    assert found.judge.metrics


def test_the_example_of_a_file_has_no_problem() -> None:
    """Nor has its header."""
    (example,) = blocks("json")
    found, problems = recording.read(example, "example.jsonl")
    assert problems == []
    assert found.header.weight == 2000
    assert len(found.lines) == 2


def test_every_field_is_explained() -> None:
    """Of a judge, of its metrics, and of a recording."""
    fields = [
        *(f"| `{field.alias}` |" for field in Judge.model_fields.values() if field.alias != "guardrails"),
        *(f"| `metrics[].{field.alias}` |" for field in JudgedMetric.model_fields.values()),
        *(f"`{field.alias}`" for model in (recording.Line, recording.Arm, recording.Header)
          for field in model.model_fields.values()),
    ]  # fmt: skip
    assert [field for field in fields if field not in PAGE] == []


def test_the_default_margins_are_those_of_the_code() -> None:
    """In the words of the table."""
    for of in ("tolerate", "refuse"):
        margins = [(name, getattr(metric, of)) for name, metric in METRICS.items()]
        told = ", ".join(f"{name} {margin.ratio:g} and {100 * margin.plus:g} %" for name, margin in margins)
        assert f"| `metrics[].{of}` | {told} |" in PAGE
