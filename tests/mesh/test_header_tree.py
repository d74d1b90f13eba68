"""Lanes by hash mean what the list means."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.mesh.generated_rules import http, request
from tests.mesh.mesh_objects import rules

from laneway.mesh.header_tree import EXPANSION_MAX, HeaderTree, tree_of
from laneway.mesh.matching import Request, misfit
from laneway.mesh.rules import Row, Site, rows_of


def rows(*matches: list[dict[str, Any]]) -> tuple[Row, ...]:
    """Rows named r0, r1, … with these match blocks."""
    named = [{"name": f"r{index}", "match": match} for index, match in enumerate(matches)]
    return rows_of([rules(*named)], Site(frozenset({"mesh"}), 80))


def lane(value: str, **more: Any) -> list[dict[str, Any]]:
    """A match block for one lane."""
    return [{"headers": {"x-lane": {"exact": value}}} | more]


def names(found: tuple[Row, ...]) -> list[str]:
    """The rules' names."""
    return [row.name for row in found]


def first(found: tuple[Row, ...], asked: Request) -> str | None:
    """The name of the first row that matches."""
    return next((row.name for row in found if not misfit(row, asked)), None)


def looked_up(tree: HeaderTree, asked: Request) -> str | None:
    """The same through the tree, which never goes from a branch to the rest."""
    return first(tree.branches.get(asked.headers.get(tree.header, ""), tree.rest), asked)


def test_each_lane_has_its_rows_alone() -> None:
    """A lane's catch-all ends its branch; the rest is for everybody else."""
    tree = tree_of(rows(lane("green"), lane("blue"), []))
    assert tree is not None
    assert {value: names(branch) for value, branch in tree.branches.items()} == {
        "green": ["r0"],
        "blue": ["r1"],
    }
    assert names(tree.rest) == ["r2"]


def test_a_lane_that_does_not_match_everything_goes_on_with_the_rest() -> None:
    """Envoy would not fall through, so the rest stands in the branch too."""
    tree = tree_of(rows(lane("green", uri={"prefix": "/a"}), lane("blue"), []))
    assert tree is not None
    assert names(tree.branches["green"]) == ["r0", "r2"]


def test_a_rule_before_the_lanes_stays_before_them() -> None:
    """Its order is kept in every branch."""
    tree = tree_of(rows([{"uri": {"exact": "/healthz"}}], lane("green"), lane("blue")))
    assert tree is not None
    assert names(tree.branches["blue"]) == ["r0", "r2"]
    assert names(tree.rest) == ["r0"]


def test_one_lane_stays_a_list() -> None:
    """There is nothing to choose among."""
    assert tree_of(rows(lane("green"), [])) is None
    assert tree_of(rows([{"headers": {"x-lane": {"prefix": "g"}}}], [])) is None


def test_the_empty_value_is_no_lane() -> None:
    """Envoy's map has no entry for it."""
    assert tree_of(rows(lane(""), lane("green"), [])) is None


def test_the_header_with_the_most_values_is_the_trees() -> None:
    """Others stay conditions."""
    user = {"headers": {"x-user": {"exact": "ann"}}}
    tree = tree_of(rows([user], lane("green"), lane("blue"), []))
    assert tree is not None
    assert tree.header == "x-lane"
    assert names(tree.branches["green"]) == ["r0", "r1"]


def test_a_tree_that_would_repeat_too_much_stays_a_list() -> None:
    """Many lanes that each match a path, before many rules that all could follow."""
    partial = [lane(f"l{index}", uri={"prefix": "/a"}) for index in range(20)]
    shared = [[{"uri": {"prefix": f"/p{index}"}}] for index in range(20)]
    assert EXPANSION_MAX * 40 < 20 * 21
    assert tree_of(rows(*partial, *shared)) is None


@settings(max_examples=100, deadline=None)
@given(random=st.randoms(use_true_random=False), count=st.integers(2, 10))
def test_the_tree_decides_as_the_list_does(random: Random, count: int) -> None:
    """For generated rules and requests."""
    found = rows_of([rules(*http(random, count), gateways=["mesh", "public"])], Site(frozenset({"mesh"}), 80))
    tree = tree_of(found)
    if tree is not None:
        for _ in range(10):
            asked = request(random, "pharmacy")
            assert looked_up(tree, asked) == first(found, asked)


def test_a_value_that_a_row_must_not_have_is_no_branch() -> None:
    """Such a row stays in all branches, and its condition decides there."""
    matches: dict[str, Any] = {"not-c": {"withoutHeaders": {"x-lane": {"exact": "c"}}}}
    matches |= {lane: {"headers": {"x-lane": {"exact": lane}}} for lane in ("a", "b")}
    http = [
        {"name": name, "match": [match], "directResponse": {"status": 200}} for name, match in matches.items()
    ]
    tree = tree_of(rows_of([rules(*http)], Site(frozenset({"mesh"}), 80)))
    assert tree is not None
    assert sorted(tree.branches) == ["a", "b"]
    assert [row.name for row in tree.branches["a"]] == ["not-c", "a"]
    assert [row.name for row in tree.rest] == ["not-c"]
