"""Requests against conditions."""

from __future__ import annotations

from typing import Any

import pytest
from tests.mesh.mesh_objects import rules

from laneway.mesh.matching import Request, fit, misfit
from laneway.mesh.rules import Row, Site, rows_of


def row(**match: Any) -> Row:
    """The row of one match block."""
    (found,) = rows_of([rules({"match": [match]})], Site(frozenset({"mesh"}), 80))
    return found


@pytest.mark.parametrize(
    ("match", "fits", "misfits"),
    [
        ({"uri": {"exact": "/a"}}, Request("h", path="/a?q=1"), Request("h", path="/a/b")),
        ({"uri": {"prefix": "/a"}}, Request("h", path="/ab"), Request("h", path="/A")),
        ({"uri": {"prefix": "/a"}, "ignoreUriCase": True}, Request("h", path="/AB"), Request("h", path="/b")),
        ({"uri": {"regex": "/[0-9]+"}}, Request("h", path="/12"), Request("h", path="/12/x")),
        ({"method": {"exact": "GET"}}, Request("h"), Request("h", method="POST")),
        ({"authority": {"exact": "h:81"}}, Request("h", 81), Request("h", 80)),
        (
            {"headers": {"X-A": {"exact": "b"}}},
            Request("h", headers={"x-a": "b"}),
            Request("h", headers={"x-a": "B"}),
        ),
        ({"headers": {"x-a": {}}}, Request("h", headers={"x-a": ""}), Request("h")),
        ({"headers": {"x-a": {"regex": ".*b"}}}, Request("h", headers={"x-a": "ab"}), Request("h")),
    ],
)
def test_conditions_hold_as_in_envoy(match: dict[str, Any], fits: Request, misfits: Request) -> None:
    """Paths without their query, regular expressions in full, header names without case."""
    assert misfit(row(**match), fits) == ""
    assert misfit(row(**match), misfits) != ""


def test_the_words_name_what_is_and_what_is_wanted() -> None:
    """The first condition that fails is named."""
    found = row(uri={"prefix": "/a"}, method={"exact": "PUT"}, headers={"x-a": {}})
    assert misfit(found, Request("h", path="/b")) == "the path is '/b', the rule wants the prefix '/a'"
    assert misfit(found, Request("h", path="/a")) == "header x-a is absent, the rule wants any value"
    asked = Request("h", path="/a", headers={"x-a": "1"})
    assert misfit(found, asked) == "the method is 'GET', the rule wants exactly 'PUT'"


def test_a_match_is_told_by_its_facts() -> None:
    """All of its conditions."""
    found = row(uri={"prefix": "/a"}, headers={"x-a": {}})
    asked = Request("h", path="/ab", headers={"x-a": "1"})
    assert fit(found, asked) == "the path is '/ab' and header x-a is '1'"
