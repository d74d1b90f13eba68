"""The file of a state: its mode, its journal, its version."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from laneway.history.database import SCHEMA_VERSION, SchemaMismatchError, Utc, open_database


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """The database and what SQLite keeps beside it have mode 0600."""
    engine = open_database(tmp_path / "db")
    with engine.connect():
        modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    engine.dispose()
    assert modes == {"db": 0o600, "db-wal": 0o600, "db-shm": 0o600}


def test_commits_go_to_a_write_ahead_log_without_a_disk_flush(tmp_path: Path) -> None:
    """WAL keeps a killed process's commits; NORMAL (1) spares each commit its flush."""
    engine = open_database(tmp_path / "db")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 1
    engine.dispose()


def test_a_file_of_another_version_is_refused_with_a_remedy(tmp_path: Path) -> None:
    """The message names the file, both versions, and what to do."""
    file = tmp_path / "db"
    with sqlite3.connect(file) as connection:
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(
        SchemaMismatchError, match=f"version {SCHEMA_VERSION + 1}.*reads {SCHEMA_VERSION}.*laneway down"
    ):
        open_database(file)


def test_moments_keep_their_zone(tmp_path: Path) -> None:
    """A moment without a zone is refused, since nobody could say later when it was."""
    engine = open_database(tmp_path / "db")
    moment = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert Utc().process_bind_param(moment, engine.dialect) == moment.replace(tzinfo=None)
    assert Utc().process_result_value(moment.replace(tzinfo=None), engine.dialect) == moment
    with pytest.raises(ValueError, match="no time zone"):
        Utc().process_bind_param(moment.replace(tzinfo=None), engine.dialect)
    with engine.connect() as connection:
        assert connection.execute(select(1)).scalar_one() == 1
    engine.dispose()
