"""How soon something new in a status is written."""

from __future__ import annotations

from typing import Any

import pytest

from laneway.kubernetes.pace import AT_ONCE, NUMBERS_EVERY, READ_EVERY, pace


def status(reason: str = "AtRest", message: str = "", weight: int = 100, pods: int = 2, **more: Any) -> Any:
    condition = {"type": "Ready", "status": "True", "reason": reason, "message": message}
    version = {"revision": "a", "role": "stable", "weight": weight, "pods": pods}
    return {"observedGeneration": 1, "conditions": [condition], "versions": [version], **more}


@pytest.mark.parametrize(
    "now",
    [status(reason="Moving"), status(stable="b"), status(release="page-2"), status(observedGeneration=2)],
)
def test_what_programs_wait_for_is_written_at_once(now: Any) -> None:
    assert pace(status(), now) == AT_ONCE
    assert pace({}, now) == AT_ONCE


@pytest.mark.parametrize("now", [status(weight=80), status(message="page stays at 20 %")])
def test_what_people_read_is_written_in_a_while(now: Any) -> None:
    assert pace(status(), now) == READ_EVERY


def test_numbers_of_pods_alone_wait_longest() -> None:
    assert pace(status(), status(pods=3)) == NUMBERS_EVERY > READ_EVERY
