"""A real mesh for the tests that need one."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.mesh.running_mesh import RunningMesh


@pytest.fixture
def anyio_backend() -> str:
    """The control plane runs on asyncio, as gRPC does."""
    return "asyncio"


@pytest.fixture
async def mesh() -> AsyncIterator[RunningMesh]:
    """A control plane at a socket, with nothing in it; in a folder whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory() as folder:
        async with RunningMesh(Path(folder)) as running:
            yield running
