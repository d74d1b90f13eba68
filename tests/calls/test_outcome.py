"""What is not as expected is told, of walks and of answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.calls.answers import wrongs
from tests.calls.asking import Answer
from tests.calls.call import Expect, To, answered, moved, shares, to
from tests.calls.outcome import Landing, Outcome, differences

HALVES = shares({"a:1": 50, "a:2": 50})


def landing(version: str = "a:1", percent: float = 100, **more: Any) -> Landing:
    return Landing(frozenset(version.split()), percent, "a", "/", more.pop("headers", {}), **more)


@pytest.mark.parametrize(
    ("expect", "found", "told"),
    [
        (to("a:1"), Outcome((landing("a:2"),)), "goes to a:2, not a:1"),
        (to("a:1"), Outcome(status=404), "status 404, not 200"),
        (to("a:1 a:2"), Outcome((landing("a:1"),)), "goes to a:1, not a:1 a:2"),
        (HALVES, Outcome((landing("a:1", 60), landing("a:2", 40))), "a:1: 60 %, not 50 %"),
        (
            to("a:1", sees={"x": None}),
            Outcome((landing(headers={"x": "1"}),)),
            "a:1: header x is '1', not None",
        ),
        (to("a:1", path="/b"), Outcome((landing(),)), "a:1: the path /, not /b"),
        (to("a:1", gives={"x": "1"}), Outcome((landing(),)), "a:1: the answer's header x is None, not '1'"),
        (to("a:1", then=to("b:1")), Outcome((landing(),)), "a:1: does not go on"),
        (
            to("a:1", then=to("b:1")),
            Outcome((landing(then=Outcome((landing("b:2"),))),)),
            "a:1: then goes to b:2, not b:1",
        ),
        (to("a:1"), Outcome((landing(),), copies={"c:1": 100}), "copies to {'c:1': 100}, not {}"),
        (
            moved("http://b/"),
            Outcome(status=301, location="http://c/"),
            "location 'http://c/', not 'http://b/'",
        ),
        (answered(410, "gone"), Outcome(status=410, body="left"), "body 'left', not 'gone'"),
    ],
)
def test_a_walk_that_ends_otherwise_is_told(expect: Expect, found: Outcome, told: str) -> None:
    assert told in differences(expect, found)


def test_a_walk_that_ends_as_expected_is_not() -> None:
    assert differences(HALVES, Outcome((landing("a:2", 50), landing("a:1", 50)))) == []


def said(version: str, headers: dict[str, str] | None = None, **more: Any) -> Answer:
    """An application's answer."""
    body = {"path": "/", "host": "a", "headers": headers or {}, **more}
    return Answer(200, {"x-app": version}, json.dumps(body))


@pytest.mark.parametrize(
    ("expect", "answer", "told"),
    [
        (to("a:1"), said("a:2"), "went to a:2"),
        (to("a:1"), Answer(503, {}, "no"), "a proxy answered: 503 'no'"),
        (answered(503, "no"), said("a:1"), "went to a:1"),
        (answered(503, "no"), Answer(503, {}, "yes"), "body 'yes', not 'no'"),
        (
            moved("http://b/"),
            Answer(301, {"location": "http://c/"}, ""),
            "location 'http://c/', not 'http://b/'",
        ),
        (to("a:1", sees={"x": "1"}), said("a:1"), "header x is None, not '1'"),
        (to("a:1", path="/b"), said("a:1"), "the path /, not /b"),
        (to("a:1", gives={"x-app": None}), said("a:1"), "the answer's header x-app is 'a:1', not None"),
        (
            to("a:1", then=to("b:1")),
            said("a:1", then={"status": 404, "headers": {}, "body": ""}),
            "a:1 then a proxy answered: 404 ''",
        ),
    ],
)
def test_an_answer_that_is_another_one_is_told(expect: Expect, answer: Answer, told: str) -> None:
    assert told in wrongs(expect, [answer])


def test_shares_far_from_their_weights_are_told() -> None:
    answers = [said("a:1")] * 220 + [said("a:2")] * 80
    assert wrongs(HALVES, answers) == [
        "220 of 300 went to a:1, not 108 to 192",
        "80 of 300 went to a:2, not 108 to 192",
    ]
    assert wrongs(Expect((To("a:1", 73), To("a:2", 27))), answers) == []
