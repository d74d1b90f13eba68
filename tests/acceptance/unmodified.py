"""An application that knows nothing of Laneway: it listens at 0.0.0.0, and calls what a request names.

HTTP on 8080, lines of TCP on 9000. Paths: `/` who it is; `/get?NAME:PORT/PATH` and `/line?NAME:PORT`
what another answers; `/addresses?NAME`, `/file?PATH`, `/env?NAME`, `/may?PATH` (to list it),
`/power` (its effective capabilities).
"""

from __future__ import annotations

import json
import os
import socket
import threading
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

WAIT_S = 3.0


class Handler(BaseHTTPRequestHandler):
    """Answers JSON; what goes wrong is an `error`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        what, _, of = self.path.lstrip("/").partition("?")
        try:
            answer = {"host": socket.gethostname(), "found": asked(what, of)}
        except OSError as error:
            answer = {"host": socket.gethostname(), "error": str(error)}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def asked(what: str, of: str) -> object:
    """What a request asks for."""
    match what:
        case "get":
            place, _, path = of.partition("/")
            connection = HTTPConnection(place, timeout=WAIT_S)
            connection.request("GET", f"/{path}")
            response = connection.getresponse()
            return [response.status, response.read().decode()]
        case "line":
            name, _, port = of.rpartition(":")
            with socket.create_connection((name, int(port)), timeout=WAIT_S) as connected:
                return connected.makefile().readline().strip()
        case "addresses":
            return sorted({str(found[4][0]) for found in socket.getaddrinfo(of, 80)})
        case "file":
            return Path(of).read_text()
        case "env":
            return os.environ.get(of)
        case "may":
            return [entry.name for entry in Path(of).iterdir()]
        case "power":
            lines = Path("/proc/self/status").read_text().splitlines()
            return next(line.split()[1] for line in lines if line.startswith("CapEff"))
    return None


def lines() -> None:
    """Says who it is on each connection."""
    with socket.create_server(("0.0.0.0", 9000)) as listening:
        while True:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(f"{socket.gethostname()}\n".encode())


if __name__ == "__main__":
    threading.Thread(target=lines, daemon=True).start()
    ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
