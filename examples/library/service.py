"""One service of the library: says who it is, and what the services behind it said.

    python service.py opinions v2

It knows nothing of Laneway: it listens on its port as in any container, and calls others by their names.
CALLS are the URLs that it asks for every answer; it passes the context of a request on, as services in a mesh
have to.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

PASSED_ON = ("x-lane", "x-laneway-cohort", "end-user", "baggage", "traceparent", "tracestate", "x-request-id")
SAYS: dict[tuple[str, str], Any] = {
    ("titles", "v1"): {"title": "The Art of Mending", "pages": 212},
    ("marks", "v1"): {"mark": 4},
    ("opinions", "v1"): {"opinion": "worth the time"},
    ("opinions", "v2"): {"opinion": "worth the time", "shown": "stars"},
    ("opinions", "v3"): {"opinion": "worth the time", "shown": "red stars"},
}


def ask(url: str, context: dict[str, str]) -> dict[str, Any]:
    """The answer of another service; an `error` in its place where there is none."""
    try:
        with urlopen(Request(url, headers=context), timeout=10) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
    except (URLError, OSError, ValueError) as failure:
        return {"error": f"{url}: {failure}"}


class Service(ThreadingHTTPServer):
    """Answers every request; `/healthz` at once."""

    request_queue_size = 128
    daemon_threads = False

    def __init__(self, name: str, version: str) -> None:
        self.name, self.version = name, version
        self.calls = os.environ.get("CALLS", "").split()
        address = (os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "9080")))
        super().__init__(address, Handler)


class Handler(BaseHTTPRequestHandler):
    """One connection. It is closed after each answer, so that nothing waits on it at the end."""

    server: Service

    def do_GET(self) -> None:
        """Answer as JSON; 502 where a service behind it failed."""
        if self.path == "/healthz":
            self._answer(200, {})
            return
        context = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
        hops = [ask(url, context) for url in self.server.calls]
        said = {"service": self.server.name, "version": self.server.version, "path": self.path}
        said |= SAYS.get((self.server.name, self.server.version), {})
        failed = [hop["error"] for hop in hops if "error" in hop]
        self._answer(502 if failed else 200, said | {"hops": hops} | ({"error": failed[0]} if failed else {}))

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """One line for each request, but for probes."""
        if self.path != "/healthz":
            print(f"{self.server.name} {self.server.version}: {self.path}", flush=True)


def main() -> None:
    """Serve until SIGTERM; requests under way are answered."""
    service = Service(*sys.argv[1:3])
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=service.shutdown).start())
    service.serve_forever(poll_interval=0.05)
    service.server_close()


if __name__ == "__main__":
    main()
