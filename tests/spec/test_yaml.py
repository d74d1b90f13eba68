"""YAML to values with places."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laneway.spec.problems import Place
from laneway.spec.yaml import Path, read

PLAIN = "write plain YAML: text, numbers, lists and mappings"
FEWER = "write fewer levels, or fewer aliases of aliases"


def value_of(text: str) -> Any:
    """The value of the only document of a text without problems."""
    documents, problems = read(text, "a.yaml")
    assert not problems
    (document,) = documents
    return document.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("on", "on"), ("No", "No"), ("true", True), ("FALSE", False), ("~", None),
        ("null", None),        ("010", 8), ("08", 8), ("0x1F", 31), ("0o17", 15), ("-3", -3),
        ("1e3", 1000.0), (".5", 0.5), ("1_000", "1_000"),
        ("12:30:45", "12:30:45"), ("2026-01-31", "2026-01-31"), ("'1'", "1"), ("!!str 1", "1"),
        (".inf", ".inf"),        ("1e999", "1e999"), ("99999999999999999999", 1e20),
        ("0.0.0", "0.0.0"), ("<<", "<<"),
    ],
)  # fmt: skip
def test_scalars_are_those_of_the_core_schema(text: str, value: object) -> None:
    """Only what JSON has too is more than text."""
    found = value_of(f"a: {text}")["a"]
    assert (found, type(found)) == (value, type(value))


def test_keys_are_text() -> None:
    """A key of digits or a truth word is kept as it is written."""
    assert value_of("1: a\ntrue: b\non: c\n") == {"1": "a", "true": "b", "on": "c"}


def test_anchors_aliases_and_merges_work() -> None:
    """A mapping's own keys win over merged ones, earlier merged ones over later."""
    text = "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {<<: [*x, *y], c: 3}\nl: [*x]\n"
    value = value_of(text)
    assert value["z"] == {"c": 3, "a": 1, "b": 1}
    assert value["l"] == [{"a": 1, "b": 1}]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), (1, 1)),
        (("a",), (1, 1)),
        (("a", "b"), (2, 3)),
        (("a", "b", 1), (4, 5)),
        (("a", "b", 1, "d"), (4, 12)),
        (("a", "b", 1, "missing", "deep"), (4, 5)),
        (("a", "b", 9), (2, 3)),
        (("m", "c"), (3, 9)),
    ],
)
def test_each_key_and_item_has_its_place(path: Path, place: tuple[int, int]) -> None:
    """A missing part has the place of its nearest parent, a merged one that of where it is written."""
    text = "a:\n  b:\n  - &c {c: 1}\n  - {c: 2, d: 3}\nm:\n  <<: *c\n"
    (document,), _ = read(text, "a.yaml")
    assert document.place(path) == Place("a.yaml", *place)


def test_documents_and_lists_are_unfolded() -> None:
    """Empty documents are skipped; the items of a List stand for themselves, in their places."""
    documents, _ = read(
        "---\n---\nkind: List\nitems:\n- {a: 1}\n- kind: List\n  items: [{b: 2}]\n---\nc: 3\n", "a.yaml"
    )
    assert [document.value for document in documents] == [{"a": 1}, {"b": 2}, {"c": 3}]
    assert [document.place().line for document in documents] == [5, 7, 9]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [1\nb: 2", "2:2: error LW101: did not find expected ',' or ']' while parsing a flow sequence; "
         "correct the YAML"),
        ("a:\n\t- b",
         "2:1: error LW101: found character that cannot start any token while scanning for the next token; "
         "indent with spaces, not tabs"),
        ("a: *b", "1:4: error LW101: found undefined alias; correct the YAML"),
        ("é: a\nb: \x07", "2:4: error LW101: character U+0007 is not allowed in YAML; "
         "remove it, or write it as an escape"),
        ("a: 1\nb: \ud800", "2:4: error LW101: the text is not Unicode; correct the YAML"),
        ("a: {<<: 5}", "1:9: error LW101: `<<` merges something else than a mapping; correct the YAML"),
        ("a: 1\nb: 2\na: 3", "3:1: error LW102: key 'a' is already in line 1; keep one of the two"),
        ("a: !Ref b", f"1:4: error LW103: the tag !Ref is not supported; {PLAIN}"),
        ("a: !!int b", f"1:4: error LW103: the tag !!int is not supported; {PLAIN}"),
        ("a: !!set {b}", f"1:4: error LW103: the tag !!set is not supported; {PLAIN}"),
        ("? [a]\n: b", f"1:3: error LW103: a key is not text; {PLAIN}"),
        ("[" * 100_000, f"1:100: error LW104: more than 100 levels of nesting; {FEWER}"),
        ("&a [*a]", f"1:1: error LW104: the aliases stand for too many values, or for themselves; {FEWER}"),
    ],
)  # fmt: skip
def test_what_is_wrong_has_its_place(text: str, problem: str) -> None:
    """Each kind of wrong YAML is one problem, at its line and column."""
    _, problems = read(text, "a.yaml")
    assert [str(each) for each in problems] == [f"a.yaml:{problem}"]


def test_aliases_of_aliases_are_bounded() -> None:
    """A few hundred bytes that stand for ten billion values are refused."""
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 11)]
    documents, problems = read("\n".join(lines), "a.yaml")
    assert not documents and problems[0].code.id == "LW104"


def test_documents_before_a_syntax_error_are_kept() -> None:
    """So that their problems are reported too."""
    documents, problems = read("a: 1\n---\nb: [", "a.yaml")
    assert [document.value for document in documents] == [{"a": 1}] and len(problems) == 1


@given(st.text(alphabet=st.sampled_from("ab:-?{}[]&*!|>'\"%@`,# \n\t<~.01\\u"), max_size=60) | st.text())
def test_no_text_raises(text: str) -> None:
    """Whatever the text, the answer is documents and problems."""
    documents, problems = read(text, "a.yaml")
    for document in documents:
        assert document.place().line >= 1
    assert all(problem.is_error for problem in problems)
