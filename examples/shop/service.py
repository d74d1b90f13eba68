"""One service of the health shop: answers with who it is, and with the answers of the services it calls.

    python service.py pharmacy --version 2.0

The environment says the rest: HOST and PORT to listen at, POD_NAME, HTTP_PROXY (its sidecar), and CALLS, the
URLs that it asks for every answer. It knows nothing of lanes, weights or versions of others: it passes
a request's context on, as every service in a mesh has to; the mesh does the routing.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import socket
import sys
import threading
import time
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

PASSED_ON = ("x-lane", "x-laneway-cohort", "baggage", "traceparent", "tracestate", "x-request-id")
"""Headers of a request that go along with every call made for it."""

CALL_TIMEOUT_S = 10.0

GOODS: dict[str, dict[str, Any]] = {
    "page": {"title": "Health shop"},
    "consultation": {"specialty": "dermatology", "minutes": 15},
    "appointment": {"slot": "Monday 9:30"},
    "pharmacy": {"medicine": "ibuprofen 400", "price": 4.2},
    "inventory": {"stock": 18},
    "labs": {"batch": "certified"},
}


def goods(name: str, version: str) -> dict[str, Any]:
    """What the service is asked for. A version that ends in -bad is slow, and its price is plainly wrong."""
    answer = dict(GOODS.get(name, {}))
    if version.endswith("-bad"):
        time.sleep(0.15)
        answer["price"] = -answer.get("price", 1.0)
    return answer


class Calls:
    """Calls over connections that stay open, one set for each thread, through HTTP_PROXY where it is set."""

    def __init__(self, urls: list[str]) -> None:
        self.urls = urls
        self._proxy = urlsplit(os.environ.get("HTTP_PROXY") or os.environ.get("http_proxy") or "").netloc
        self._kept = threading.local()

    def ask_all(self, context: dict[str, str]) -> list[dict[str, Any]]:
        """The answer of each URL; one that failed has an `error` instead of a service."""
        return [self._ask(url, context) for url in self.urls]

    def _ask(self, url: str, context: dict[str, str]) -> dict[str, Any]:
        host, path = urlsplit(url).netloc, urlsplit(url).path or "/"
        connection = self._connection(self._proxy or host)
        try:
            connection.request("GET", url if self._proxy else path, headers={**context, "Host": host})
            response = connection.getresponse()
            body = response.read()
        except (OSError, HTTPException) as failure:
            connection.close()
            return {"error": f"{url}: {failure!r}"}
        if response.status != 200:
            return {"error": f"{url}: {response.status} {body.decode(errors='replace').strip()}"}
        answer: dict[str, Any] = json.loads(body)
        return answer

    def _connection(self, address: str) -> HTTPConnection:
        connection: HTTPConnection | None = getattr(self._kept, address, None)
        if connection is None:
            connection = HTTPConnection(address, timeout=CALL_TIMEOUT_S)
            setattr(self._kept, address, connection)
        if connection.sock is not None and select.select([connection.sock], [], [], 0)[0]:
            connection.close()  # the peer has closed it meanwhile; the next request opens it anew
        return connection


class Shop(ThreadingHTTPServer):
    """A thread for each connection. `stop` ends it without cutting a request off."""

    request_queue_size = 128
    daemon_threads = False

    def __init__(self, address: tuple[str, int], name: str, version: str, calls: Calls) -> None:
        self.name, self.version, self.calls = name, version, calls
        self.pod = os.environ.get("POD_NAME", socket.gethostname())
        self.stopping = False
        self._idle: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        """Binds without the lookup of the host's name that HTTPServer makes."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)

    def waits(self, connection: socket.socket) -> None:
        """This connection has no request; when the server stops it will get no other."""
        with self._lock:
            self._idle.add(connection)
            if self.stopping:
                connection.shutdown(socket.SHUT_RD)

    def works(self, connection: socket.socket) -> None:
        """A request has begun on this connection, or the connection is gone."""
        with self._lock:
            self._idle.discard(connection)

    def stop(self) -> None:
        """Accepts nothing new, answers what has begun, returns when every connection is closed."""
        self.shutdown()
        with self._lock:
            self.stopping = True
            for connection in self._idle:
                connection.shutdown(socket.SHUT_RD)
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """One connection: any path is answered, /healthz without calling anybody."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave in one packet
    disable_nagle_algorithm = True
    server: Shop

    def handle_one_request(self) -> None:
        self.server.waits(self.connection)
        super().handle_one_request()

    def parse_request(self) -> bool:
        self.server.works(self.connection)
        return super().parse_request()

    def finish(self) -> None:
        self.server.works(self.connection)
        super().finish()

    def do_GET(self) -> None:
        started = time.perf_counter()
        received = len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        if self.path == "/healthz":
            self._send(200, {"status": "ok"})
            return
        context = {name: value for name in PASSED_ON if (value := self.headers.get(name))}
        hops = self.server.calls.ask_all(context)
        answer = {
            "service": self.server.name,
            "version": self.server.version,
            "pod": self.server.pod,
            "lane": context.get("x-lane"),
            **goods(self.server.name, self.server.version),
            "received": received,
            "hops": hops,
        }
        status = 502 if any("error" in hop for hop in hops) else 200
        self._send(status, answer)
        elapsed_ms = (time.perf_counter() - started) * 1000
        print(f"{self.command} {self.path} {status} {elapsed_ms:.1f}ms lane={answer['lane']}", flush=True)

    do_POST = do_GET  # noqa: N815 - the name is http.server's

    def _send(self, status: int, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode() + b"\n"
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.server.stopping:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serves until SIGTERM or SIGINT, then ends with 0 once open requests are answered."""
    arguments = argparse.ArgumentParser(description="one service of the health shop")
    arguments.add_argument("name", choices=sorted(GOODS))
    arguments.add_argument("--version", required=True)
    chosen = arguments.parse_args()
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    address = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8080"))
    shop = Shop(address, chosen.name, chosen.version, Calls(os.environ.get("CALLS", "").split()))
    threading.Thread(target=shop.serve_forever, kwargs={"poll_interval": 0.1}).start()
    print(f"{chosen.name} {chosen.version} listens at {address[0]}:{address[1]}", flush=True)
    signal.sigwait(ends)
    shop.stop()
    sys.exit(0)


if __name__ == "__main__":
    main()
