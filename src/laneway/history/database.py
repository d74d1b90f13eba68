"""The database file of a state: how it is opened, and which version of the tables it holds.

Must not know what the tables are for.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import DateTime, Dialect, Engine, MetaData, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.types import TypeDecorator

metadata = MetaData()
"""Every table of the file, those of other rooms included."""

SCHEMA_VERSION = 1
"""Raised with every change of a table."""


class SchemaMismatchError(Exception):
    """The file was written by another version of Laneway."""


class Utc(TypeDecorator[datetime]):
    """A moment in UTC. Kept without its zone, since SQLite has none."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment as it is stored. Raises ValueError where it has no zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The stored moment, with its zone."""
        return None if value is None else value.replace(tzinfo=UTC)


def open_database(path: Path) -> Engine:
    """An engine on the file, mode 0600, its tables made where it is new. Import the tables' modules first.

    Write-ahead log: who reads never waits for who writes. synchronous=NORMAL: a commit is in the kernel when
    it returns, so a killed process loses nothing; it is not yet on the disk, so a power cut may lose the last
    commits, but it leaves the file consistent, and ends the processes that the file tells of anyway. FULL
    would cost a disk flush for each commit (https://www.sqlite.org/pragma.html#pragma_synchronous).

    Raises SchemaMismatchError.
    """
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    engine = create_engine(URL.create("sqlite", database=str(path)))
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        _make_tables(engine, path)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _configure(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver would begin transactions by itself, and too late
    for pragma in ("busy_timeout=5000", "journal_mode=WAL", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


def _make_tables(engine: Engine, path: Path) -> None:
    with engine.begin() as connection:
        found = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if found not in (0, SCHEMA_VERSION):
            raise SchemaMismatchError(
                f"{path} has schema version {found}, this version of Laneway reads {SCHEMA_VERSION}: "
                "use the version that wrote it, or end that state with `laneway down` and start anew"
            )
        if found == 0:
            metadata.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
