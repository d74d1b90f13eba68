"""A server that answers what it was asked, as JSON: so that a test sees a request as the proxy sent it on."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Echo(ThreadingHTTPServer):
    """The server. asked: every request's method, path and headers (lower case) so far.

    A request answers with the status in its header `x-status`, else 200.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[dict[str, Any]] = []
        self.arrived = threading.Condition()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """All requests, once there are that many. Raises AssertionError after a deadline."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.asked) >= count, 10), self.asked
        return self.asked


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = {"method": self.command, "path": self.path, "headers": headers}
        echo = self.server
        assert isinstance(echo, Echo)
        with echo.arrived:
            echo.asked.append(asked)
            echo.arrived.notify_all()
        body = json.dumps(asked).encode()
        self.send_response(int(headers.get("x-status", "200")))
        self.send_header("content-length", str(len(body)))
        self.send_header("x-served-by", "echo")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_HEAD = do_OPTIONS = do_PUT = _answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def echoing() -> Iterator[Echo]:
    """A running server."""
    with Echo() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
