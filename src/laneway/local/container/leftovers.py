"""Containers that a killed daemon has left behind: found by their label, whatever became of their pods.

Must not know processes: they are found by their marker (`processes.kill_all`).
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime

from laneway.history.database import SchemaMismatchError
from laneway.local import settings
from laneway.local.container.engines import Engine, engine
from laneway.local.state import State
from laneway.local.store import Store

_SECONDS_MAX = 60


class ContainersLeftError(Exception):
    """The engine does not end the state's containers."""


def end_containers(state: State) -> None:
    """End and remove every container of a state that no daemon holds. Raises ContainersLeftError."""
    if (runner := _engine(state)) is not None and (ids := _run(runner.all()).split()):
        _run(runner.remove_all(ids))


def _engine(state: State) -> Engine | None:
    """The engine that the state was started with; None where its applications are processes."""
    if state.database.exists():
        with (
            suppress(SchemaMismatchError),
            closing(Store(state.database, lambda: datetime.now(UTC))) as store,
        ):
            return engine(settings.kept_runtime(settings.kept(store)), state.id)
    return None


def _run(argv: Sequence[str]) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_SECONDS_MAX, check=True)
    except subprocess.CalledProcessError as error:
        why = error.stderr.strip() or f"exit code {error.returncode}"
    except (OSError, subprocess.TimeoutExpired) as error:
        why = str(error)
    else:
        return done.stdout
    raise ContainersLeftError(f"the containers of this state may be left: {' '.join(argv[:2])}: {why}")
