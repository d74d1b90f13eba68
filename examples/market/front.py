"""The market's HTTP services: the front, which calls all others, and adverts.

python front.py front v1
"""

from __future__ import annotations

import json
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.request import Request, urlopen

from context import Who, listen_at, passed_on, written


class Front(ThreadingHTTPServer):
    """Answers every request; `/healthz` at once."""

    request_queue_size = 128
    daemon_threads = False

    def __init__(self, who: Who) -> None:
        self.who = who
        super().__init__(listen_at(8080), Handler)

    def hops(self, context: dict[str, str]) -> list[dict[str, Any]]:
        """What the services behind it say. Raises what their clients raise."""
        if self.who.name != "front":
            return []
        from rpc import call_market  # adverts have no gRPC

        called = [call_market(os.environ[name], context) for name in ("CATALOG_ADDR", "CART_ADDR")]
        with urlopen(Request(os.environ["ADVERTS_URL"], headers=context), timeout=10) as answer:
            return [*called, json.load(answer)]


class Handler(BaseHTTPRequestHandler):
    """One connection, closed after each answer."""

    server: Front

    def do_GET(self) -> None:
        """Answer as JSON; 502 where a service behind it failed."""
        status, body = 200, self.server.who.says(path=self.path)
        if self.path != "/healthz":
            try:
                body["hops"] = self.server.hops(passed_on(self.headers.items()))
            except Exception as failure:  # whatever its clients raise is one answer
                status, body = 502, body | {"error": str(failure)}
        data = written(body)
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self) -> None:
        """As a GET; the body is read and not looked at."""
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """One line for each request, but for probes."""
        if self.path != "/healthz":
            print(f"{self.server.who.name} {self.server.who.version}: {self.path}", flush=True)


def main() -> None:
    """Serve until SIGTERM; requests under way are answered."""
    front = Front(Who.from_arguments())
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=front.shutdown).start())
    front.serve_forever(poll_interval=0.05)
    front.server_close()


if __name__ == "__main__":
    main()
