"""The object store of one state: the same kinds and the same bodies as a cluster, in one SQLite file.

Owns identity, versions and change notification. Must not know what a kind means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from laneway.history.events import Event
from laneway.spec.meta import Key

Body = dict[str, Any]
"""An object as JSON values. What the store returns is shared: read it, never change it."""


class Change(StrEnum):
    """What a write did."""

    CREATED = "created"
    CONFIGURED = "configured"
    UNCHANGED = "unchanged"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Changed:
    """A committed change, as subscribers see it. obj: the new body, None when it was deleted."""

    change: Change
    kind: str
    key: Key
    obj: Body | None


class Store:
    """All objects of a state. Writes are durable against `kill -9` when they return. For one thread of one process."""

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        """Open or create the file. Raises SchemaMismatch for one that another version of Laneway wrote."""
        raise NotImplementedError

    def put(self, obj: Body, reason: str, by: str) -> Change:
        """Create or replace one object; nothing is written where nothing differs.

        Kept from what is stored: status, and metadata's uid, creationTimestamp, generation and resourceVersion. The
        status of a new object is taken as given.
        """
        raise NotImplementedError

    def apply(self, objects: Iterable[Body], reason: str, by: str) -> list[Change]:
        """Put many objects, all or none."""
        raise NotImplementedError

    def put_status(self, kind: str, key: Key, status: Body, event: Event | None = None) -> Change:
        """Replace an object's status. The event is recorded with it, only when something differs.

        Raises KeyError where the object does not exist.
        """
        raise NotImplementedError

    def delete(self, kind: str, key: Key, reason: str, by: str) -> bool:
        """Delete an object; False where there was none."""
        raise NotImplementedError

    def get(self, kind: str, key: Key) -> Body | None:
        """One object."""
        raise NotImplementedError

    def list(
        self, kind: str, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> list[Body]:
        """Objects of a kind that carry all these labels, by namespace and name."""
        raise NotImplementedError

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside, or none of them. Subscribers hear of them after the commit."""
        raise NotImplementedError
        yield

    def record(self, event: Event) -> None:
        """Add an event that changes no object."""
        raise NotImplementedError

    def events(
        self, app: str | None = None, lane: str | None = None, since: datetime | None = None, limit: int = 100
    ) -> list[Event]:
        """The latest events, newest last."""
        raise NotImplementedError

    def pod_counts(self, app: Key) -> list[tuple[datetime, int]]:
        """How many pods of the app existed from each moment on, pods of lanes apart."""
        raise NotImplementedError

    def resource_version(self) -> int:
        """Grows with every write."""
        raise NotImplementedError

    def subscribe(self, callback: Callable[[Changed], None]) -> Callable[[], None]:
        """Call back after each committed change. Returns what ends it."""
        raise NotImplementedError

    def close(self) -> None:
        """Release the file."""
        raise NotImplementedError
