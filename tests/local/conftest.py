"""What the tests of the local engine share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from laneway.local.process.markers import find
from laneway.local.state import State


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Processes are watched by an asyncio event loop."""
    return "asyncio"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """A state directory of its own."""
    state = State.at(tmp_path / "state")
    state.create()
    yield state
    for left in find(state.id):  # of a test that failed
        os.kill(left.identity.pid, signal.SIGKILL)
    state.remove()
