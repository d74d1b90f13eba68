"""A client of HTTP/1.1 that sends what it is told, as often as it is told. Standard library alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

ANSWER_WITHIN_S = 20.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and how often it is made. authority: the Host header."""

    authority: str
    path: str
    headers: Mapping[str, str]
    method: str = "GET"
    count: int = 1

    def encoded(self) -> bytes:
        """The bytes on the wire."""
        lines = [f"{self.method} {self.path} HTTP/1.1", f"host: {self.authority}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. headers: names in lower case, values of one name with a comma between them."""

    status: int
    headers: Mapping[str, str]
    body: str


async def ask(address: tuple[str, int], asked: Asked) -> list[Answer]:
    """The answers, one after another on one connection. Raises OSError, EOFError or TimeoutError."""
    async with asyncio.timeout(ANSWER_WITHIN_S):
        reader, writer = await asyncio.open_connection(*address)
        try:
            found = []
            for _ in range(asked.count):
                writer.write(asked.encoded())
                found.append(await _answer(reader))
            return found
        finally:
            writer.close()


async def _answer(reader: asyncio.StreamReader) -> Answer:
    first, headers = await head(reader)
    status = int(first.split(" ", 2)[1])
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Answer(status, headers, body.decode())


async def head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    """The first line of a message, and its headers as in `Answer`. Raises asyncio.IncompleteReadError."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        name, value = name.strip().lower(), value.strip()
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return first, headers
