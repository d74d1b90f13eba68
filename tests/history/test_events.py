"""What happened: appended in the caller's transaction, found by what it is about."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from laneway.history.database import open_database
from laneway.history.events import Event, events, pod_counts, prune, record
from laneway.spec.meta import Key

START = datetime(2026, 1, 1, tzinfo=UTC)
WEB = Key("shop", "web")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A new database."""
    engine = open_database(tmp_path / "db")
    yield engine
    engine.dispose()


def happened(
    minute: int,
    *,
    change: str = "configured",
    reason: str = "because",
    kind: str = "App",
    key: Key = WEB,
    app: str = "",
    lane: str = "",
) -> Event:
    """Something that happened so many minutes after the start."""
    return Event(START + timedelta(minutes=minute), kind, key, change, reason, app=app, lane=lane)


def test_an_event_is_read_as_it_was_recorded(engine: Engine) -> None:
    """Every field survives, and an id is given."""
    event = Event(START, "App", WEB, "configured", "why", "what", "me", "web", "green", "abc", {"n": [1]})
    with engine.begin() as connection:
        record(connection, event)
        (found,) = events(connection)
    assert found.id == 1
    assert {name: getattr(found, name) for name in event.__slots__ if name != "id"} == {
        name: getattr(event, name) for name in event.__slots__ if name != "id"
    }


def test_the_newest_events_come_last(engine: Engine) -> None:
    """A limit keeps the newest, in the order in which they happened."""
    with engine.begin() as connection:
        for minute in range(5):
            record(connection, happened(minute, reason=str(minute)))
        assert [event.reason for event in events(connection, limit=2)] == ["3", "4"]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"app": "web"}, ["a", "c"]),
        ({"lane": "green"}, ["c"]),
        ({"kind": "Lane"}, ["d"]),
        ({"namespace": "other"}, ["d"]),
        ({"since": START + timedelta(minutes=3)}, ["c", "d"]),
        ({"app": "web", "since": START + timedelta(minutes=3)}, ["c"]),
    ],
)
def test_events_are_found_by_what_they_are_about(
    engine: Engine, condition: dict[str, Any], expected: list[str]
) -> None:
    """All conditions given must hold; `since` includes its moment."""
    with engine.begin() as connection:
        record(connection, happened(1, reason="a", app="web"))
        record(connection, happened(2, reason="b", app="cart"))
        record(connection, happened(3, reason="c", app="web", lane="green"))
        record(connection, happened(4, reason="d", kind="Lane", key=Key("other", "blue")))
        assert [event.reason for event in events(connection, **condition)] == expected


def test_an_event_goes_with_its_transaction(engine: Engine) -> None:
    """What is rolled back has not happened."""
    with pytest.raises(RuntimeError), engine.begin() as connection:
        record(connection, happened(0))
        raise RuntimeError
    with engine.begin() as connection:
        assert events(connection) == []


def test_pods_are_counted_at_every_moment(engine: Engine) -> None:
    """Creations and deletions of the app's own pods count; lanes, other apps and other events do not."""
    with engine.begin() as connection:
        for minute, change in enumerate(["created", "created", "ready", "deleted"]):
            record(connection, happened(minute, kind="Pod", change=change, app="web"))
        record(connection, happened(4, kind="Pod", change="created", app="web", lane="green"))
        record(connection, happened(5, kind="Pod", change="created", app="cart"))
        minutes = [
            ((at - START).seconds // 60, count) for at, count in pod_counts(connection, WEB, present=1)
        ]
        assert minutes == [(0, 1), (1, 2), (3, 1)]
        assert [count for _, count in pod_counts(connection, WEB, lane="green", present=1)] == [1]


def test_of_events_the_newest_are_kept_those_of_pods_apart(engine: Engine) -> None:
    """However many pods come and go, what people did stays; twice changes nothing more."""
    with engine.begin() as connection:
        for minute in range(4):
            record(connection, happened(minute, reason=f"app {minute}"))
        for minute in range(4, 10):
            record(connection, happened(minute, kind="Pod", reason=f"pod {minute}"))
        assert prune(connection, pods=2, others=3) == 5
        kept = [event.reason for event in events(connection)]
        assert kept == ["app 1", "app 2", "app 3", "pod 8", "pod 9"]
        assert prune(connection, pods=2, others=3) == 0


def test_pods_are_counted_right_after_the_first_events_are_gone(engine: Engine) -> None:
    """Back from those that there are now."""
    with engine.begin() as connection:
        for minute, change in enumerate(["created", "created", "created", "deleted"]):
            record(connection, happened(minute, kind="Pod", change=change, app="web"))
        prune(connection, pods=2, others=0)
        assert [count for _, count in pod_counts(connection, WEB, present=2)] == [3, 2]
