"""What the executors of the table share."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One event loop for all calls, as what serves them runs on."""
    return "asyncio"
