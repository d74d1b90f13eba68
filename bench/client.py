"""HTTP clients on plain sockets: one that waits for a change, and those that load, as processes apart.

`python -m bench.client MODE` reads one JSON value a line and answers each with one:

load: {address, authority, headers, seconds}; answers with requests per second over busy connections.
latency: {address, authority, headers, requests}; answers with the median round trip in seconds.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median
from typing import Any

CONNECTIONS = 32
IN_FLIGHT = 4
"""Requests that a connection has outstanding under load."""
STATUS_LINE = b"HTTP/1.1 200 OK"


def request(authority: str, headers: Mapping[str, str]) -> bytes:
    """A GET without a body."""
    lines = ["GET / HTTP/1.1", f"host: {authority}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "\r\n"]).encode()


def answer(connection: socket.socket) -> str:
    """The body of the next answer."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65_536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
    while len(body) < length:
        body += connection.recv(65_536)
    return body.decode()


def connect(address: Sequence[Any]) -> socket.socket:
    """A connection that sends at once."""
    connection = socket.create_connection((address[0], address[1]))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


class Poll:
    """Connections to several addresses, each of which gives a body of its own. In the caller's process."""

    def __init__(self, addresses: Iterable[tuple[str, int]], authority: str) -> None:
        self._message = request(authority, {})
        self._connections = [connect(address) for address in addresses]

    def until_all_give(self, body: str) -> None:
        """Ask all at once, and again those that give something else, until none does."""
        waiting = self._connections
        while waiting:
            for connection in waiting:
                connection.sendall(self._message)
            waiting = [connection for connection in waiting if answer(connection) != body]

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections:
            connection.close()


def load(lines: Iterator[Any]) -> Iterator[Any]:
    """Keep many connections busy for a while."""
    for given in lines:
        message = request(given["authority"], given.get("headers", {}))
        selector = selectors.DefaultSelector()
        for _ in range(CONNECTIONS):
            connection = connect(given["address"])
            connection.sendall(message * IN_FLIGHT)
            selector.register(connection, selectors.EVENT_READ)
        begin = time.perf_counter()
        answered = 0
        while time.perf_counter() - begin < given["seconds"]:
            for key, _ in selector.select():
                done = key.fileobj.recv(65_536).count(STATUS_LINE)  # type: ignore[union-attr]
                answered += done
                key.fileobj.sendall(message * done)  # type: ignore[union-attr]
        yield answered / (time.perf_counter() - begin)
        for key in list(selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]


def latency(lines: Iterator[Any]) -> Iterator[Any]:
    """One request at a time."""
    for given in lines:
        message = request(given["authority"], given.get("headers", {}))
        with connect(given["address"]) as connection:
            times = []
            for _ in range(given["requests"]):
                begin = time.perf_counter()
                connection.sendall(message)
                answer(connection)
                times.append(time.perf_counter() - begin)
        yield median(times)


def main(mode: str) -> None:
    """Answer the lines of standard input."""
    lines = (json.loads(line) for line in sys.stdin)
    for answer in {"load": load, "latency": latency}[mode](lines):
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
