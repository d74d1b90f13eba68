"""A name for one connection, for clients that take no socket but dial. Must not know what is said."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_CHUNK_BYTES = 16 * 1024


@asynccontextmanager
async def relay(to: socket.socket) -> AsyncIterator[str]:
    """gRPC's address of an abstract Unix socket that leads its client to this connection, which it closes."""
    name = f"laneway-relay-{secrets.token_hex(16)}"
    reader, writer = await asyncio.open_connection(sock=to)
    pumps: list[asyncio.Task[None]] = []

    def accepted(near_reader: asyncio.StreamReader, near_writer: asyncio.StreamWriter) -> None:
        pumps.append(asyncio.create_task(_pump(near_reader, writer)))
        pumps.append(asyncio.create_task(_pump(reader, near_writer)))

    server = await asyncio.start_unix_server(accepted, path=f"\0{name}")
    try:
        yield f"unix-abstract:{name}"
    finally:
        server.close()
        for pump in pumps:
            pump.cancel()
        writer.close()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        with suppress(OSError):
            while data := await source.read(_CHUNK_BYTES):
                target.write(data)
                await target.drain()
    finally:
        target.close()
