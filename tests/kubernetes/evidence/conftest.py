"""What asyncio needs."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """httpx2 and the lab's programs run on it."""
    return "asyncio"
