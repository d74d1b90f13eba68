"""The application of every pod: answers with who it is and what it got, and makes calls that it is told to.

    python -m tests.calls.app pharmacy 1 8080 8081

Knows nothing of lanes or weights; it passes a request's context on, as every service in a mesh has to.
Standard library alone: it starts in many pods at once.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from tests.calls.asking import Asked, ask, head

PASSED_ON = ("x-lane", "x-laneway-cohort")
WHO = "x-app"
"""Header of every answer of an application's: `pharmacy:1`."""

ASK = "x-ask"
"""Header of a request to make another one: its fields, and the port, as JSON."""

ONWARD = "x-onward"
"""Header of a request that is answered only after a call to this host."""

CALL = "x-call"
"""Header by which a request is remembered; `/calls` tells which were."""

NOWHERE = "240.240.255.254"
"""What a name that nobody knows is dialled at: the sidecar goes by the Host header."""

UNREADY = "unready"

Dial = Callable[[str, int], Awaitable[tuple[str, int]]]
"""Where a host is reached, at a port."""


class App:
    """One application, of one version."""

    def __init__(self, name: str, version: str, dial: Dial) -> None:
        self.calls: list[str] = []
        self._who = f"{name}:{version}"
        self._ready = version != UNREADY
        self._dial = dial

    async def serve(self, host: str, port: int = 0) -> asyncio.Server:
        """Listen; with port 0 at one that is free."""
        return await asyncio.start_server(self._converse, host, port)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                first, headers = await head(reader)
                _, path, _ = first.split(" ", 2)
                await reader.readexactly(int(headers.get("content-length", 0)))
                status, found = await self._answer(path, headers)
                writer.write(self._encoded(status, found))
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()

    async def _answer(self, path: str, headers: dict[str, str]) -> tuple[int, Any]:
        if path == "/healthz":
            return (200 if self._ready else 503), {}
        if path == "/calls":
            return 200, self.calls
        if ASK in headers:
            asked = json.loads(headers[ASK])
            return 200, await self._ask(asked.pop("host"), asked.pop("port"), Asked(**asked))
        if CALL in headers:
            self.calls.append(headers[CALL])
        found = {"path": path, "host": headers.get("host", ""), "headers": headers}
        if ONWARD in headers:
            context = {name: headers[name] for name in PASSED_ON if name in headers}
            (then,) = await self._ask(headers[ONWARD], 80, Asked(headers[ONWARD], "/", context))
            found["then"] = then
        return 200, found

    async def _ask(self, host: str, port: int, asked: Asked) -> list[dict[str, Any]]:
        return [asdict(answer) for answer in await ask(await self._dial(host, port), asked)]

    def _encoded(self, status: int, found: Any) -> bytes:
        body = json.dumps(found).encode()
        own = f"{WHO}: {self._who}\r\nx-answer: own\r\nx-inner: yes\r\n"
        return f"HTTP/1.1 {status} OK\r\n{own}content-length: {len(body)}\r\n\r\n".encode() + body


async def by_name(host: str, port: int) -> tuple[str, int]:
    """Where the pod's resolver says that a host is."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, family=socket.AF_INET)
    except OSError:
        return NOWHERE, port
    return str(found[0][4][0]), port


async def main(name: str, version: str, *ports: str) -> None:
    """Serve until the process ends."""
    app = App(name, version, by_name)
    servers = [await app.serve("0.0.0.0", int(port)) for port in ports]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
