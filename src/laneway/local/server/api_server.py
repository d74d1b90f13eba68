"""Serving the control API on a Unix socket that only its owner can open. Must not know its routes."""

from __future__ import annotations

import os
import socket
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import uvicorn
from anyio.abc import TaskStatus

from laneway.api.engine import Engine
from laneway.local.server.api_routes import application


class _Server(uvicorn.Server):
    """Leaves signals to the daemon."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@contextmanager
def _listening(path: Path) -> Iterator[socket.socket]:
    """A listening socket that only its owner can open. A killed daemon's leftover is replaced."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(os.fspath(path))
        path.chmod(0o600)
        listener.listen(128)
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


async def serve(
    engine: Engine, path: Path, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    """Serve the API on a Unix socket until cancelled. Started as soon as a client can connect.

    The caller holds the state, so nobody else serves on `path`.
    """
    config = uvicorn.Config(
        application(engine),
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    with _listening(path) as listener:
        async with anyio.create_task_group() as group:
            group.start_soon(_serve_shielded, server, listener)
            task_status.started()
            try:
                await anyio.sleep_forever()
            finally:
                server.should_exit = True


async def _serve_shielded(server: uvicorn.Server, listener: socket.socket) -> None:
    """Answers under way are finished, within the server's own limit, before a cancellation is let through."""
    with anyio.CancelScope(shield=True):
        await server.serve([listener])
