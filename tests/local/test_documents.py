"""Values of other rooms as documents."""

from __future__ import annotations

from datetime import UTC, datetime

from laneway.history.events import Event
from laneway.local.server import documents
from laneway.spec.meta import Key
from laneway.spec.problems import Code, Place


def test_a_problem_carries_its_code_place_and_remedy() -> None:
    """What a person reads is made of it."""
    assert documents.problem(Code.NO_APP.at(Place("Lane shop/green"), "there is no App web")) == {
        "code": "LW311", "severity": "error", "text": "there is no App web",
        "remedy": "add the App, or correct the name", "file": "Lane shop/green", "line": 0, "column": 0,
    }  # fmt: skip


def test_an_event_has_its_time_as_text() -> None:
    """In UTC, and everything else as it is."""
    happened = Event(
        at=datetime(2026, 1, 1, 12, tzinfo=UTC),
        kind="Pod",
        key=Key("shop", "web-1"),
        change="ready",
        reason="every part is ready",
        by="ann",
        app="web",
        lane="green",
        revision="r1",
        id=7,
    )
    assert documents.event(happened) == {
        "id": 7, "at": "2026-01-01T12:00:00+00:00", "kind": "Pod", "namespace": "shop", "name": "web-1",
        "change": "ready", "reason": "every part is ready", "message": "", "by": "ann",
        "app": "web", "lane": "green", "revision": "r1",
    }  # fmt: skip
