"""The catalogue of problems, and its pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from laneway.spec.check import check
from laneway.spec.load import Source, load
from laneway.spec.problems import Code, Place, Severity

PAGE = Path(__file__).parents[2] / "docs" / "problems.md"
HEADING = re.compile(r"^##? (?:(LW\d{3}): )?(.+)\n", re.MULTILINE)
FENCE = re.compile(r"^```.*\n", re.MULTILINE)


def sections() -> Iterator[tuple[str, str, str]]:
    """Code, title and text of every section of the page."""
    _, *parts = HEADING.split(PAGE.read_text())
    return ((code, title, text) for code, title, text in zip(*[iter(parts)] * 3, strict=True) if code)


def examples() -> Iterator[tuple[str, str, str]]:
    """Code, wrong and right text, of the codes that reading and checking find."""
    for code, _, text in sections():
        if code < "LW5":
            _, wrong, _, right, _ = FENCE.split(text)
            yield code, wrong, right


def codes_of(text: str) -> set[str]:
    """The codes of everything wrong with a text."""
    return {problem.code.id for problem in check(load([Source("example.yaml", text)]))}


def test_ids_are_unique_and_in_order() -> None:
    """An id names one entry, and the catalogue is sorted by it."""
    ids = [code.id for code in Code]
    assert ids == sorted(set(ids))
    assert all(re.fullmatch(r"LW[1-9]\d\d", id) for id in ids)


def test_words_follow_the_style() -> None:
    """Titles and remedies are phrases: no full stop, and a remedy says what to do in lowercase."""
    for code in Code:
        assert not code.title.endswith(".") and not code.remedy.endswith(".")
        assert code.remedy[0].islower()


def test_page_has_a_section_for_each_code() -> None:
    """The page lists exactly the codes of the catalogue, in order, with their titles."""
    assert [(code, title) for code, title, _ in sections()] == [(code.id, code.title) for code in Code]


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, _, text in sections()])
def test_section_has_meaning_example_and_instead(code: str, text: str) -> None:
    """Each section says what the code means, shows an example, and what to write instead."""
    meaning, wrong, instead, right, rest = FENCE.split(text)
    assert all(part.strip() for part in (meaning, wrong, right)), code
    assert (instead.strip(), rest.strip()) == ("Instead:", ""), code


@pytest.mark.parametrize(("code", "wrong", "right"), list(examples()))
def test_example_has_the_problem_and_instead_has_not(code: str, wrong: str, right: str) -> None:
    """The examples of the page do what the page says."""
    assert code in codes_of(wrong)
    assert code not in codes_of(right)


def test_problem_prints_as_one_line() -> None:
    """A problem names its place, severity, code, text and remedy."""
    problem = Code.UNKNOWN_FIELD.at(
        Place("shop.yaml", 3, 5), "unknown field spec.timout", "did you mean timeout?"
    )
    assert str(problem) == "shop.yaml:3:5: error LW201: unknown field spec.timout; did you mean timeout?"


def test_problem_without_a_file_names_its_object() -> None:
    """What comes from no file has no line."""
    assert str(Code.SECOND_MESH.at(Place("Mesh shop/other"), "there is already Mesh shop/default")) == (
        "Mesh shop/other: error LW227: there is already Mesh shop/default; keep one Mesh"
    )


def test_warning_is_no_error() -> None:
    """Only errors stop what was asked."""
    problem = Code.INERT_FIELD.at(Place("a", 1, 1), "x")
    assert not problem.is_error and problem.code.severity is Severity.WARNING


def test_problem_is_written_as_json_values() -> None:
    """The JSON form carries every part."""
    assert Code.REGEX.at(Place("a", 1, 2), "x", "y").written() == {
        "code": "LW405", "severity": "error", "text": "x", "remedy": "y", "file": "a", "line": 1, "column": 2,
    }  # fmt: skip
