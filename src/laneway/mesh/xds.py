"""Delta ADS over gRPC on a Unix socket: bytes in and out of streams.

Owns the server and its streams. Must not know what is said on them, nor which proxies there should be.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any, Protocol

import grpc

from laneway.mesh.sockets import socket_path
from laneway.mesh.wire import Request, Response, decode, encode

SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"
OPTIONS = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.max_pings_without_data", 0),
)
"""A mesh's first response has megabytes; a proxy that hangs is dropped within a minute."""


class Stream:
    """One proxy's stream. What is sent goes out in order, as fast as this proxy takes it."""

    def __init__(self) -> None:
        self._outbox: asyncio.Queue[Response | None] = asyncio.Queue()

    def send(self, responses: Iterable[Response]) -> None:
        """Send these next. The protocol bounds them: one of each type, until it is acknowledged."""
        for response in responses:
            self._outbox.put_nowait(response)

    def close(self) -> None:
        """End the stream after what was sent; the proxy opens another."""
        self._outbox.put_nowait(None)

    async def sent(self) -> AsyncIterator[Response]:
        """What was sent, in order, until the stream is closed."""
        while (response := await self._outbox.get()) is not None:
            yield response


class Listener(Protocol):
    """Who answers."""

    def received(self, stream: Stream, request: Request) -> None:
        """A request came on a stream; its first one names the proxy."""

    def closed(self, stream: Stream) -> None:
        """The stream is no more."""


class AdsServer:
    """Serves streams on a socket until it is stopped."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._server: Any = None

    async def start(self, path: Path) -> None:
        """Listen at this path; a socket that a killed process left there is replaced.

        Raises ValueError for a path that is too long, OSError for one that cannot be listened at.
        """
        self._server = self._listening(path)
        await self._server.start()

    async def stop(self) -> None:
        """Cut all streams and remove the socket. The proxies go on with what they have."""
        if self._server is not None:
            await self._server.stop(grace=0)
            self._server = None

    def _listening(self, path: Path) -> Any:
        address = f"unix:{socket_path(path)}"
        path.unlink(missing_ok=True)
        method = grpc.stream_stream_rpc_method_handler(self._serve)
        handler = grpc.method_handlers_generic_handler(SERVICE, {"DeltaAggregatedResources": method})
        server = grpc.aio.server(options=OPTIONS)
        server.add_generic_rpc_handlers((handler,))
        try:
            server.add_insecure_port(address)
        except RuntimeError as error:
            raise OSError(f"cannot listen at {path}: {error}") from error
        return server

    async def _serve(self, requests: AsyncIterator[bytes], context: Any) -> None:
        stream = Stream()
        ways = {
            asyncio.create_task(self._read(stream, requests)),
            asyncio.create_task(self._write(stream, context)),
        }
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in done:
                way.result()
        finally:
            for way in ways:
                way.cancel()
            self._listener.closed(stream)

    async def _read(self, stream: Stream, requests: AsyncIterator[bytes]) -> None:
        async for data in requests:
            self._listener.received(stream, decode(data))

    async def _write(self, stream: Stream, context: Any) -> None:
        async for response in stream.sent():
            await context.write(encode(response))
