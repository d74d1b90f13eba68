"""What holds for all tests: when they are over, nothing of theirs is left on the machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.left_behind import left_behind


@pytest.fixture(scope="session", autouse=True)
def tidy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fails the run where a test has left a process or a folder; looks after everything else has ended."""
    yield
    assert left_behind(tmp_path_factory.getbasetemp()) == []
