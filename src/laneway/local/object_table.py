"""The tables in which the object store keeps its objects.

Every write is part of the transaction that the connection is in. Must not know who begins it, or who is told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Integer, Table, Text, bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert

from laneway.history.database import Utc, metadata
from laneway.spec.meta import Key

_objects = Table(
    "objects",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("namespace", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("resource_version", Integer, nullable=False),
    Column("created_at", Utc, nullable=False),
)

_counters = Table(
    "counters", metadata, Column("name", Text, primary_key=True), Column("value", Integer, nullable=False)
)

_VERSION = "resource_version"

_insert_object = insert(_objects)
_write_object = _insert_object.on_conflict_do_update(
    index_elements=["kind", "namespace", "name"],
    set_={name: _insert_object.excluded[name] for name in ("body", "generation", "resource_version")},
)
_insert_counter = insert(_counters)
_write_counter = _insert_counter.on_conflict_do_update(
    index_elements=["name"], set_={"value": _insert_counter.excluded.value}
)
_delete_object = delete(_objects).where(
    _objects.c.kind == bindparam("of_kind"),
    _objects.c.namespace == bindparam("in_namespace"),
    _objects.c.name == bindparam("named"),
)


class ObjectTable:
    """The objects of one file, and the version of the newest write."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def objects(self) -> Iterator[tuple[str, Key, dict[str, Any]]]:
        """All of them: kind, key and body."""
        for row in self._connection.execute(select(_objects)):
            yield row.kind, Key(row.namespace, row.name), json.loads(row.body)

    def version(self) -> int:
        """As `put_version` was told last; 0 before."""
        version = select(_counters.c.value).where(_counters.c.name == _VERSION)
        return self._connection.execute(version).scalar() or 0

    def put_version(self, version: int) -> None:
        """Keep the version of the newest write."""
        self._connection.execute(_write_counter, {"name": _VERSION, "value": version})

    def put(self, kind: str, key: Key, body: dict[str, Any], version: int) -> None:
        """Create or replace an object. body: with the metadata that the store sets."""
        stamped = body["metadata"]
        row = {
            "kind": kind,
            "namespace": key.namespace,
            "name": key.name,
            "body": json.dumps(body, ensure_ascii=False, separators=(",", ":")),
            "generation": stamped["generation"],
            "resource_version": version,
            "created_at": datetime.fromisoformat(stamped["creationTimestamp"]),
        }
        self._connection.execute(_write_object, row)

    def delete(self, kind: str, key: Key) -> None:
        """Delete an object."""
        named = {"of_kind": kind, "in_namespace": key.namespace, "named": key.name}
        self._connection.execute(_delete_object, named)
