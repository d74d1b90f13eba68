"""One HTTP/1.1 connection of a client, for loads of thousands of requests: little CPU, nothing hidden.

Owns the bytes on the wire. It never retries and never follows: what the server did is what the caller gets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

Address = tuple[str, int]


class ExchangeError(ConnectionError):
    """The connection ended, or said something that is not HTTP/1.1, before the answer was complete."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it goes out; with a body it is a POST."""

    host: str
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def encoded(self) -> bytes:
        """The bytes on the wire."""
        lines = [f"{'POST' if self.body else 'GET'} {self.path} HTTP/1.1", f"host: {self.host}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.body:
            lines.append(f"content-length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode() + self.body


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. headers: names in lower case; last: the server takes no other request on this connection."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    last: bool


def parse(received: bytes, ended: bool = False) -> Response | None:
    """The answer at the start of `received`, None while it is incomplete; ended: no more bytes will come.

    Raises ExchangeError on what is not HTTP/1.1.
    """
    head, separator, rest = received.partition(b"\r\n\r\n")
    if not separator:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    if not first.startswith("HTTP/1.") or not first[9:12].isdigit():
        raise ExchangeError(f"not an answer of HTTP/1.1: {first[:40]!r}")
    status = int(first[9:12])
    if status < 200:
        return parse(rest, ended)
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    body = _body(status, headers, rest, ended)
    last = headers.get("connection", "").lower() == "close" or first.startswith("HTTP/1.0")
    return None if body is None else Response(status, headers, body, last or ended)


def _body(status: int, headers: Mapping[str, str], rest: bytes, ended: bool) -> bytes | None:
    """The body by RFC 9112, section 6.3; None while it is incomplete."""
    if status in (204, 304):
        return b""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _unchunked(rest)
    if (length := headers.get("content-length")) is not None:
        return rest[: int(length)] if len(rest) >= int(length) else None
    return rest if ended else None


def _unchunked(rest: bytes) -> bytes | None:
    parts: list[bytes] = []
    while True:
        size_line, separator, rest = rest.partition(b"\r\n")
        if not separator:
            return None
        size = int(size_line.partition(b";")[0], 16)
        if len(rest) < size + 2:
            return None
        if size == 0:
            return b"".join(parts)
        parts.append(rest[:size])
        rest = rest[size + 2 :]


class Connection(asyncio.Protocol):
    """An open connection that carries one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Response] | None = None
        self._received = b""

    @classmethod
    async def open(cls, address: Address) -> Self:
        """Connects. Raises OSError where nobody listens."""
        _, connection = await asyncio.get_running_loop().create_connection(cls, *address)
        return connection

    @property
    def usable(self) -> bool:
        """Whether the next request may use it."""
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, request: bytes) -> Response:
        """Sends an encoded request, returns its answer. Raises ExchangeError; a failure closes it."""
        if self._transport is None:
            raise ExchangeError("the connection is closed")
        self._received = b""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            response = await self._answer
        except BaseException:
            self.close()
            raise
        finally:
            self._answer = None
        if response.last:
            self.close()
        return response

    def close(self) -> None:
        """Ends the connection; safe to call twice."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands (asyncio.Protocol)."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Bytes came (asyncio.Protocol)."""
        self._received += data
        self._settle(ended=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone (asyncio.Protocol)."""
        self._transport = None
        self._settle(ended=True)
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(
                ExchangeError(str(exc) if exc else "closed before the answer was complete")
            )

    def _settle(self, ended: bool) -> None:
        if self._answer is None or self._answer.done():
            return
        try:
            response = parse(self._received, ended)
        except (ExchangeError, ValueError) as reason:
            self._answer.set_exception(ExchangeError(str(reason)))
            return
        if response is not None:
            self._answer.set_result(response)
