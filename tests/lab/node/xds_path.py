"""The way of one Envoy to istiod: a Unix socket in front of a connection to one of several istiods.

A Unix socket leads out of every network; and here a test can cut the way. Must not know what is said on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_CHUNK_BYTES = 1 << 16


class XdsPath:
    """Listens from `open` to `close`. istiods: as `address:port`, the first that answers is taken."""

    def __init__(self, path: Path, istiods: Sequence[str]) -> None:
        self.path = path
        self._istiods = istiods
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()

    async def open(self) -> None:
        """Let it through, as at first; nothing happens where it is open."""
        self._flows.set()
        if self._server is None:
            self.path.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._accepted, str(self.path))

    async def cut(self) -> None:
        """End the connection, and refuse new ones: istiod no longer knows the Envoy."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self.path.unlink(missing_ok=True)
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    def stall(self) -> None:
        """Keep the connection, and pass nothing on: istiod still believes that it tells the Envoy."""
        self._flows.clear()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._pass(reader, writer))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await self._connected()
            if there is not None:
                await self._both(reader, writer, *there)
        finally:
            writer.close()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for istiod in self._istiods:
            host, _, port = istiod.rpartition(":")
            with suppress(OSError):
                return await asyncio.open_connection(host, int(port))
        return None

    async def _both(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        far_reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
    ) -> None:
        """Until either side ends."""
        ways = [
            asyncio.create_task(self._one(reader, far_writer)),
            asyncio.create_task(self._one(far_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            far_writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK_BYTES):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
