"""The object store of one state: the same kinds and the same bodies as a cluster, in one SQLite file.

Owns identity, versions and change notification. Must not know what a kind means.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from laneway.history import events as history
from laneway.history.database import open_database
from laneway.history.events import Event
from laneway.history.subject import event_about, subject_of
from laneway.local.difference import difference
from laneway.local.object_table import ObjectTable
from laneway.spec.meta import Key, key_of

Body = dict[str, Any]
"""An object as JSON values. What the store returns is shared: read it, never change it."""

_SERVER_SET = frozenset({"uid", "creationTimestamp", "generation", "resourceVersion"})

Fill = Callable[[Body, Body | None, Callable[[str], Sequence[Body]]], Body]
"""What an object becomes when it is written, from (object, as it is stored, all stored objects of a kind)."""


def _as_written(obj: Body, old: Body | None, stored: Callable[[str], Sequence[Body]]) -> Body:
    return obj


class Change(StrEnum):
    """What a write did."""

    CREATED = history.CREATED
    CONFIGURED = "configured"
    UNCHANGED = "unchanged"
    DELETED = history.DELETED


@dataclass(frozen=True, slots=True)
class Changed:
    """A committed change, as subscribers see it. obj: the new body, None when it was deleted."""

    change: Change
    kind: str
    key: Key
    obj: Body | None


@dataclass(frozen=True, slots=True)
class _Entry:
    """An object in memory. content: what its writer said, as text that equal contents share."""

    body: Body
    content: str


class Store:
    """All objects of a state. Writes are durable against `kill -9` when they return.

    Reads come from memory. For one thread of the one process that holds the state.
    """

    def __init__(self, path: Path, now: Callable[[], datetime], fill: Fill = _as_written) -> None:
        """Open or create the file. Raises SchemaMismatchError for one of another version of Laneway.

        fill: adds what a writer leaves open; what it adds to the status stands beside what is kept there.
        """
        self._now = now
        self._fill = fill
        self._engine = open_database(path)
        self._connection = self._engine.connect()
        self._table = ObjectTable(self._connection)
        self._index: dict[str, dict[Key, _Entry]] = {}
        self._subscribers: list[Callable[[Changed], None]] = []
        self._depth = 0
        self._undo: list[tuple[str, Key, _Entry | None]] = []
        self._changed: list[Changed] = []
        self._version = 0
        self._load()

    def put(self, obj: Body, reason: str, by: str) -> Change:
        """Create or replace one object; nothing is written where nothing differs.

        Kept from what is stored: status, and metadata's uid, creationTimestamp, generation and
        resourceVersion. The status of a new object is taken as given.
        """
        kind, key = obj["kind"], key_of(obj)
        old = self._entry(kind, key)
        if old is not None:
            obj = {name: value for name, value in obj.items() if name != "status"}
        obj = self._fill(obj, old.body if old else None, self.list)
        content = _content(obj)
        if old is not None and old.content == content:
            return Change.UNCHANGED
        with self.transaction():
            body = self._stamped(obj, old)
            self._write(kind, key, _Entry(body, content))
            change = Change.CREATED if old is None else Change.CONFIGURED
            message = difference(json.loads(old.content), json.loads(content)) if old else ""
            self.record(event_about(body, self._now(), change, reason, message=message, by=by))
            self._changed.append(Changed(change, kind, key, body))
        return change

    def apply(self, objects: Iterable[Body], reason: str, by: str) -> Sequence[Change]:
        """Put many objects, all or none."""
        with self.transaction():
            return [self.put(obj, reason, by) for obj in objects]

    def put_status(self, kind: str, key: Key, status: Body, event: Event | None = None) -> Change:
        """Replace an object's status. The event is recorded with it, and only when something differs.

        Raises KeyError where the object does not exist.
        """
        old = self._entry(kind, key)
        if old is None:
            raise KeyError(f"{kind} {key}")
        if old.body.get("status") == status:
            return Change.UNCHANGED
        with self.transaction():
            stamped = old.body["metadata"] | {"resourceVersion": str(self._next_version())}
            body = old.body | {"metadata": stamped, "status": json.loads(json.dumps(status))}
            self._write(kind, key, _Entry(body, old.content))
            if event is not None:
                self.record(event)
            self._changed.append(Changed(Change.CONFIGURED, kind, key, body))
        return Change.CONFIGURED

    def delete(self, kind: str, key: Key, reason: str, by: str) -> bool:
        """Delete an object; False where there was none."""
        old = self._entry(kind, key)
        if old is None:
            return False
        with self.transaction():
            self._next_version()
            self._table.delete(kind, key)
            self._remember(kind, key, None)
            self.record(event_about(old.body, self._now(), Change.DELETED, reason, by=by))
            self._changed.append(Changed(Change.DELETED, kind, key, None))
        return True

    def get(self, kind: str, key: Key) -> Body | None:
        """One object."""
        entry = self._entry(kind, key)
        return None if entry is None else entry.body

    def list(
        self, kind: str, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> list[Body]:
        """Objects of a kind that carry all these labels, by namespace and name."""
        found = (
            (key, entry.body)
            for key, entry in self._index.get(kind, {}).items()
            if (namespace is None or key.namespace == namespace) and _carries(entry.body, labels)
        )
        return [body for _, body in sorted(found, key=lambda pair: pair[0])]

    def kinds(self) -> Sequence[str]:
        """Kinds of which there is an object, in order."""
        return sorted(kind for kind, entries in self._index.items() if entries)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside, or none of them. Subscribers hear of them after the commit. May be nested."""
        if self._depth:
            yield
            return
        self._depth, version = 1, self._version
        try:
            with self._connection.begin():
                yield
                if self._version != version:
                    self._table.put_version(self._version)
        except BaseException:
            self._roll_back(version)
            raise
        finally:
            self._depth = 0
        self._undo.clear()
        self._notify()

    def record(self, event: Event) -> None:
        """Add an event that changes no object."""
        with self.transaction():
            history.record(self._connection, event)

    def events(
        self,
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
        """The newest `limit` events that meet every condition given, newest last."""
        with self.transaction():
            return history.events(
                self._connection,
                namespace=namespace,
                app=app,
                lane=lane,
                kind=kind,
                name=name,
                since=since,
                after=after,
                limit=limit,
            )

    def pod_counts(self, app: Key, lane: str = "") -> Sequence[tuple[datetime, int]]:
        """How many pods of an app, or of a lane's version of it, existed from each moment on."""
        about = [subject_of(body) for body in self.list("Pod", app.namespace)]
        present = sum((each.app, each.lane) == (app.name, lane) for each in about)
        with self.transaction():
            return history.pod_counts(self._connection, app, lane, present=present)

    def prune_history(self) -> int:
        """Delete the oldest events beyond what is kept; how many these were."""
        with self.transaction():
            return history.prune(self._connection)

    def resource_version(self) -> int:
        """Grows with every write of an object; kept across restarts."""
        return self._version

    def subscribe(self, callback: Callable[[Changed], None]) -> Callable[[], None]:
        """Call back after each committed change, in order. Returns what ends it."""
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    def close(self) -> None:
        """Release the file."""
        self._connection.close()
        self._engine.dispose()

    def _load(self) -> None:
        with self._connection.begin():
            for kind, key, body in self._table.objects():
                self._index.setdefault(kind, {})[key] = _Entry(body, _content(body))
            self._version = self._table.version()

    def _entry(self, kind: str, key: Key) -> _Entry | None:
        return self._index.get(kind, {}).get(key)

    def _stamped(self, obj: Body, old: _Entry | None) -> Body:
        """The object as it is stored: a copy, with what the store sets and the status that it keeps."""
        body: Body = json.loads(json.dumps(obj))
        server: Body = {
            "uid": str(uuid.uuid4()),
            "creationTimestamp": self._now().astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "generation": 1,
        }
        if old is not None:
            server = {name: old.body["metadata"][name] for name in server}
            server["generation"] += _spec(body) != _spec(old.body)
            if status := old.body.get("status", {}) | body.get("status", {}):
                body["status"] = status
        server["resourceVersion"] = str(self._next_version())
        body["metadata"] = body["metadata"] | {"namespace": key_of(obj).namespace} | server
        return body

    def _next_version(self) -> int:
        self._version += 1
        return self._version

    def _write(self, kind: str, key: Key, entry: _Entry) -> None:
        self._table.put(kind, key, entry.body, self._version)
        self._remember(kind, key, entry)

    def _remember(self, kind: str, key: Key, entry: _Entry | None) -> None:
        entries = self._index.setdefault(kind, {})
        self._undo.append((kind, key, entries.get(key)))
        if entry is None:
            del entries[key]
        else:
            entries[key] = entry

    def _roll_back(self, version: int) -> None:
        self._version = version
        self._changed.clear()
        for kind, key, old in reversed(self._undo):
            if old is None:
                self._index[kind].pop(key, None)
            else:
                self._index[kind][key] = old
        self._undo.clear()

    def _notify(self) -> None:
        changes, self._changed = self._changed, []
        for changed in changes:
            for callback in tuple(self._subscribers):
                callback(changed)


def _content(obj: Body) -> str:
    said = {name: value for name, value in obj.items() if name != "status"}
    said["metadata"] = {name: value for name, value in obj["metadata"].items() if name not in _SERVER_SET} | {
        "namespace": key_of(obj).namespace
    }
    return json.dumps(said, sort_keys=True, ensure_ascii=False)


def _spec(obj: Body) -> Body:
    return {name: value for name, value in obj.items() if name not in ("metadata", "status")}


def _carries(obj: Body, labels: Mapping[str, str] | None) -> bool:
    if not labels:
        return True
    found = obj["metadata"].get("labels", {})
    return all(found.get(name) == value for name, value in labels.items())
