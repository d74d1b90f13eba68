"""Events: the record of what changed, when, by whom and why.

Must not know who stores the objects, nor what a kind means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    Row,
    Table,
    Text,
    delete,
    insert,
    select,
)

from laneway.history.database import Utc, metadata
from laneway.spec.meta import Key

CREATED = "created"
DELETED = "deleted"

PODS_MAX, OTHERS_MAX = 50_000, 50_000
"""Events that are kept: about 30 MB, and months of what people do. A pod's life is some five of them."""

_events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Utc, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("app", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("data", JSON, nullable=False),
    Index("events_of_app", "namespace", "app", "id"),
    sqlite_autoincrement=True,
)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one object.

    change: created, configured, deleted, or another word for what is none of them; reason: why; message: what
    exactly, for people; by: who asked, empty for the controller; app, lane, revision: what it concerns, empty
    where it concerns none; id: grows with each event, 0 until recorded.
    """

    at: datetime
    kind: str
    key: Key
    change: str
    reason: str
    message: str = ""
    by: str = ""
    app: str = ""
    lane: str = ""
    revision: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    id: int = 0


def record(connection: Connection, event: Event) -> None:
    """Append the event in the caller's transaction."""
    connection.execute(
        insert(_events),
        {
            "at": event.at,
            "namespace": event.key.namespace,
            "kind": event.kind,
            "name": event.key.name,
            "change": event.change,
            "app": event.app,
            "lane": event.lane,
            "revision": event.revision,
            "reason": event.reason,
            "message": event.message,
            "by": event.by,
            "data": dict(event.data),
        },
    )


def events(
    connection: Connection,
    *,
    namespace: str | None = None,
    app: str | None = None,
    lane: str | None = None,
    kind: str | None = None,
    name: str | None = None,
    since: datetime | None = None,
    after: int = 0,
    limit: int = 100,
) -> Sequence[Event]:
    """The newest `limit` events that meet every condition given, newest last.

    since: that moment included; after: only those with a greater id.
    """
    query = select(_events).order_by(_events.c.id.desc()).limit(limit)
    asked = {"namespace": namespace, "app": app, "lane": lane, "kind": kind, "name": name}
    for column, value in asked.items():
        if value is not None:
            query = query.where(_events.c[column] == value)
    if after:
        query = query.where(_events.c.id > after)
    if since is not None:
        query = query.where(_events.c.at >= since)
    return [_event(row) for row in reversed(connection.execute(query).all())]


def prune(connection: Connection, *, pods: int = PODS_MAX, others: int = OTHERS_MAX) -> int:
    """Delete all but the newest events, `pods` of Pods and `others` of all else; how many these were.

    Apart, so that pods that come and go do not push out what people did.
    """
    of_pods = _events.c.kind == "Pod"
    return sum(_prune(connection, which, most) for which, most in ((of_pods, pods), (~of_pods, others)))


def _prune(connection: Connection, which: ColumnElement[bool], most: int) -> int:
    newest = select(_events.c.id).where(which).order_by(_events.c.id.desc())
    last = connection.execute(newest.offset(most).limit(1)).scalar()
    return (
        0 if last is None else connection.execute(delete(_events).where(which, _events.c.id <= last)).rowcount
    )


def pod_counts(
    connection: Connection, app: Key, lane: str = "", *, present: int
) -> Sequence[tuple[datetime, int]]:
    """How many pods of an app, or of a lane's version of it, existed from each moment on, oldest first.

    Exact: a pod exists from the event of its creation to that of its deletion, and these are written in the
    transactions that create and delete it. present: how many there are now, from which the rest is counted
    back, since the oldest events are not kept.
    """
    query = (
        select(_events.c.at, _events.c.change)
        .where(_events.c.namespace == app.namespace, _events.c.app == app.name, _events.c.lane == lane)
        .where(_events.c.kind == "Pod", _events.c.change.in_((CREATED, DELETED)))
        .order_by(_events.c.id)
    )
    counts, count = [], present
    for at, change in reversed(connection.execute(query).all()):
        counts.append((at, count))
        count -= 1 if change == CREATED else -1
    return counts[::-1]


def _event(row: Row[Any]) -> Event:
    return Event(
        at=row.at,
        kind=row.kind,
        key=Key(row.namespace, row.name),
        change=row.change,
        reason=row.reason,
        message=row.message,
        by=row.by,
        app=row.app,
        lane=row.lane,
        revision=row.revision,
        data=row.data,
        id=row.id,
    )
