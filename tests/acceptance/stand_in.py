"""A service of a test's system: little code and little time per request, because many of it run at once.

    python stand_in.py NAME VERSION

After DELAY_MS, and a random time with a mean of SPREAD_MS, it answers with who it is, and with the answers of
the URLs in CALLS; a share FAILS of the answers is 500, and all are while there is a file OUTAGE. A version
`stuck` is never ready, `broken` answers 500. SIGTERM ends it at once, whatever it is doing: a request that
this cuts off was not drained.
"""

from __future__ import annotations

import json
import os
import random
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

PASSED_ON = (b"x-lane", b"x-laneway-cohort", b"baggage", b"traceparent", b"tracestate", b"x-request-id")


def read_head(reader: BinaryIO) -> tuple[bytes, dict[bytes, bytes]]:
    """The first line, and the headers by name in lower case; empty at the end of the connection."""
    first, headers = reader.readline(), {}
    while first and (line := reader.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    return first, headers


def connected(address: tuple[str, int]) -> socket.socket:
    """A connection without Nagle's wait."""
    connection = socket.create_connection(address, timeout=10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


class Proxy:
    """One kept connection to the sidecar, for the calls of one caller at a time."""

    def __init__(self) -> None:
        self._connection: socket.socket | None = None
        self._reader: BinaryIO | None = None

    def ask(self, url: str, context: bytes) -> dict[str, Any]:
        """The JSON of an answer with status 200. Raises ConnectionError for anything else."""
        if self._connection is None:
            proxy = urlsplit(os.environ["HTTP_PROXY"])
            self._connection = connected((proxy.hostname or "", proxy.port or 0))
            self._reader = self._connection.makefile("rb")
        assert self._reader is not None
        host = urlsplit(url).netloc.encode()
        self._connection.sendall(b"GET %s HTTP/1.1\r\nhost: %s\r\n%s\r\n" % (url.encode(), host, context))
        first, headers = read_head(self._reader)
        body = self._reader.read(int(headers.get(b"content-length", b"0")))
        if first[9:12] != b"200":
            raise ConnectionError(f"{url}: {first[9:].decode().strip()} {body.decode().strip()}")
        answer: dict[str, Any] = json.loads(body)
        return answer


class StandIn:
    """Who this process is, and how it serves one connection."""

    def __init__(self, name: str, version: str) -> None:
        self.name, self.version = name, version
        self.pod = os.environ.get("POD_NAME", "")
        self.calls = os.environ.get("CALLS", "").split()
        self.delay_s = int(os.environ.get("DELAY_MS", "0")) / 1000
        self.spread_s = int(os.environ.get("SPREAD_MS", "0")) / 1000
        self.fails = float(os.environ.get("FAILS", "0"))
        self.outage = os.environ.get("OUTAGE", "")

    def serve(self, connection: socket.socket) -> None:
        """Answers the requests of a connection until it ends."""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader, proxy = connection.makefile("rb"), Proxy()
        while True:
            first, headers = read_head(reader)
            if not first:
                break
            reader.read(int(headers.get(b"content-length", b"0")))
            status, body = self.answer(first.split()[1], headers, proxy)
            head = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
            connection.sendall(head % (status, len(body)) + body)
        connection.close()

    def _fails(self) -> bool:
        down = self.version == "broken" or (self.outage and Path(self.outage).exists())
        return bool(down) or random.random() < self.fails

    def answer(self, path: bytes, headers: dict[bytes, bytes], proxy: Proxy) -> tuple[bytes, bytes]:
        """Status and body for a request."""
        if path == b"/ready":
            return (b"503 Service Unavailable" if self.version == "stuck" else b"200 OK"), b"{}"
        time.sleep(self.delay_s + (random.expovariate(1 / self.spread_s) if self.spread_s else 0))
        if self._fails():
            return b"500 Internal Server Error", b"{}"
        context = b"".join(b"%s: %s\r\n" % (name, headers[name]) for name in PASSED_ON if name in headers)
        answer: dict[str, Any] = {
            "service": self.name,
            "version": self.version,
            "pod": self.pod,
            "lane": headers[b"x-lane"].decode() if b"x-lane" in headers else None,
            "path": path.decode(),
        }
        try:
            answer["hops"] = [proxy.ask(url, context) for url in self.calls]
        except OSError as failure:
            return b"502 Bad Gateway", json.dumps(answer | {"error": str(failure)}).encode()
        return b"200 OK", json.dumps(answer).encode()


def main() -> None:
    """Serves until it is killed."""
    service = StandIn(*sys.argv[1:3])
    with socket.create_server((os.environ["HOST"], int(os.environ["PORT"])), backlog=256) as listener:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=service.serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
