"""A real API server for the tests of one file."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.kubernetes.api.running_server import RunningServer

from laneway.kubernetes.api.server import Server


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """What aiohttp needs."""
    return "asyncio"


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningServer]:
    """An API server; each test has a namespace of its own in it."""
    async with RunningServer(tmp_path_factory.mktemp("api-server")) as running:
        yield running


@pytest.fixture
async def server(running: RunningServer) -> AsyncIterator[Server]:
    """The client of it that is tested, as somebody who may do everything."""
    async with Server.open(running.access()) as server:
        yield server
