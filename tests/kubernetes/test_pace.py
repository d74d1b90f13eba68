"""How soon a status is written: what programs wait for at once, the rest now and then."""

from __future__ import annotations

from typing import Any

from laneway.kubernetes.pace import AT_ONCE, LATEST, NUMBERS_EVERY, READ_EVERY, pace


def _status(ready: str = "True", message: str = "", weight: int = 100, pods: int = 5) -> dict[str, Any]:
    ready_now = {"type": "Ready", "status": ready, "reason": "Serving", "message": message}
    version = {"revision": "r-1", "role": "stable", "weight": weight, "served": weight, "pods": pods}
    return {"conditions": [ready_now], "observedGeneration": 1, "versions": [version]}


def test_a_condition_that_changes_is_told_at_once() -> None:
    assert pace(_status(), _status(ready="False")) == AT_ONCE


def test_a_release_that_begins_or_ends_is_told_at_once() -> None:
    assert pace(_status(), _status() | {"release": "pharmacy-r-2"}) == AT_ONCE
    assert pace(_status() | {"release": "pharmacy-r-2"}, _status() | {"release": None}) == AT_ONCE


def test_the_first_status_is_told_at_once() -> None:
    assert pace({}, _status()) == AT_ONCE


def test_weights_and_sentences_wait_for_some_seconds() -> None:
    assert pace(_status(), _status(weight=80)) == READ_EVERY
    assert pace(_status(), _status(message="holds 20 % for 1s")) == READ_EVERY


def test_numbers_of_pods_alone_wait_longest() -> None:
    assert pace(_status(), _status(pods=4)) == NUMBERS_EVERY


def test_while_many_move_all_of_them_together_are_told_at_a_pace() -> None:
    assert pace(_status(), _status(weight=80), moving=20) == READ_EVERY
    assert pace(_status(), _status(weight=80), moving=60) == 3 * READ_EVERY
    assert pace(_status(), _status(weight=80), moving=1000) == LATEST
    assert pace(_status(), _status(ready="False"), moving=1000) == AT_ONCE
