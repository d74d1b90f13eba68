"""What is refused, and what is dropped: each is named with its place and what to do; the page lists all.

To write the page anew: `python -m tests.spec.test_refused`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from tests.spec.refused import Example, inert_fields, models, refused_fields, refused_values

from laneway.spec import load as loading
from laneway.spec.load import KINDS, Source, load
from laneway.spec.problems import Code

PAGE = Path(__file__).parents[2] / "docs" / "refused.md"
REFUSED = "is not supported by Laneway, and refused rather than ignored"
HEAD = """\
# What is refused, and what has no effect

Laneway reads the fields of Kubernetes and Istio that it honours. A genuine field that would change what a
request meets is refused by name, never ignored; one that has no effect on one machine is dropped with a
warning. `laneway check -f PATH` says which, with file, line and column.

A field is listed where it stands first in a kind; where the same settings stand elsewhere in the kind, the
same holds there. `[]` is any item of a list, `*` any key. What a value must be, and what does not go
together, is in [problems](problems.md).
"""


def name(example: Example) -> str:
    """For pytest."""
    return f"{example.kind}-{example.written}-{example.value if isinstance(example.value, str) else ''}"


@pytest.mark.parametrize("example", list(refused_fields()), ids=name)
def test_a_refused_field_is_named_with_what_to_do(example: Example) -> None:
    """At its line and column."""
    (problem,) = example.problems()
    field = example.written.replace("[]", "[0]").replace("*", "any")
    assert (problem.code, problem.text) == (Code.REFUSED_FIELD, f"{field} {REFUSED}")
    assert len(problem.remedy.split()) > 1
    assert problem.remedy != Code.REFUSED_FIELD.remedy, "say what to do instead"


@pytest.mark.parametrize("example", list(refused_values()), ids=name)
def test_a_refused_value_is_named_with_what_to_do(example: Example) -> None:
    """As one problem, though it is no value of the model's either."""
    (problem,) = example.problems()
    field = example.written.replace("[]", "[0]")
    if isinstance(example.path[-1], int):
        field = field.removesuffix("[0]") + "[0]"
    assert (problem.code, problem.text) == (Code.REFUSED_FIELD, f"{field}: {example.value!r} {REFUSED}")
    assert problem.remedy != Code.REFUSED_FIELD.remedy, "say what to do instead"


@pytest.mark.parametrize("example", list(inert_fields()), ids=name)
def test_a_field_without_effect_is_warned_of(example: Example) -> None:
    """And dropped."""
    (problem,) = example.problems()
    assert problem.code is Code.INERT_FIELD
    assert not problem.is_error


@pytest.mark.parametrize("kind", list(loading._REFUSED_KINDS))
def test_a_refused_kind_is_named_with_what_to_do(kind: str) -> None:
    """Whatever is in it."""
    (problem,) = load([Source("a.yaml", f"apiVersion: x/v1\nkind: {kind}\n")]).problems
    assert str(problem) == f"a.yaml:2:1: error LW208: {kind} {REFUSED}; {loading._REFUSED_KINDS[kind]}"
    assert problem.remedy != Code.REFUSED_KIND.remedy, "say what to do instead"


def test_fields_of_which_values_are_refused_take_others() -> None:
    """A value that is implemented is refused no more."""
    for _, model, _ in models():
        for field, info in model.model_fields.items():
            refused = model.refused_values.get(info.alias or field, {})
            assert refused.keys().isdisjoint(literals(info.annotation)), (model, field)
        assert model.unsupported.keys().isdisjoint(model.inert), model
        fields = {info.alias or field for field, info in model.model_fields.items()}
        assert fields.isdisjoint(model.unsupported.keys() | model.inert), model


def literals(annotation: Any) -> set[object]:
    """The values that a type names."""
    if get_origin(annotation) is Literal:
        return set(get_args(annotation))
    return set().union(*(literals(part) for part in get_args(annotation)))


def test_the_page_lists_what_is_refused() -> None:
    """What it says is what the messages say."""
    assert PAGE.read_text() == page()


def page() -> str:
    """The page, made of what is said of the examples."""
    refused = [*refused_fields(), *refused_values()]
    parts = [HEAD, "## Kinds\n", "| kind | what to do |\n|---|---|"]
    parts += [f"| {kind} | {remedy} |" for kind, remedy in sorted(loading._REFUSED_KINDS.items())]
    parts += ["", f"Without effect: {', '.join(sorted(loading._INERT_KINDS))}.\n"]
    inert = list(inert_fields())
    parts += section("Metadata of every kind", [], [each for each in inert if of_metadata(each)])
    for kind in KINDS:
        of_kind = [each for each in inert if each.kind == kind and not of_metadata(each)]
        parts += section(kind, [each for each in refused if each.kind == kind], of_kind)
    return "\n".join(parts).rstrip("\n") + "\n"


def of_metadata(example: Example) -> bool:
    """Whether it is the same for all kinds."""
    return example.path[0] == "metadata"


def section(title: str, refused: Iterable[Example], inert: Iterable[Example]) -> Iterator[str]:
    """What is said of one kind."""
    rows = sorted({f"| `{shown(example)}` | {example.problems()[0].remedy} |" for example in refused})
    dropped = ", ".join(f"`{example.written}`" for example in sorted(inert, key=lambda each: each.written))
    yield f"## {title}\n"
    if rows:
        yield "\n".join(["| refused | what to do |", "|---|---|", *rows, ""])
    if dropped:
        yield f"Without effect: {dropped}.\n"


def shown(example: Example) -> str:
    """A field, or a field with a value of it."""
    return f"{example.written}: {example.value}" if isinstance(example.value, str) else example.written


if __name__ == "__main__":
    PAGE.write_text(page())
