"""A Laneway for each module of tests, taken down at its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance.running import Laneway


@pytest.fixture(scope="module")
def laneway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laneway]:
    """A state of its own, with nothing running yet."""
    laneway = Laneway(tmp_path_factory.mktemp("laneway") / "state")
    yield laneway
    laneway.end()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a module writes its system."""
    return tmp_path_factory.mktemp("system")
