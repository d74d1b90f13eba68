"""The market's store: keeps words under names, one command a line over plain TCP.

python store.py store v1
"""

from __future__ import annotations

import signal
import socketserver
import threading

from context import Who, listen_at, written


class Store(socketserver.ThreadingTCPServer):
    """SET NAME WORD and GET NAME; each answer is one line of JSON."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, who: Who) -> None:
        self.who = who
        self.kept: dict[str, str] = {}
        super().__init__(listen_at(6379), Connection)


class Connection(socketserver.StreamRequestHandler):
    """One client."""

    server: Store

    def handle(self) -> None:
        """Answer until the client closes."""
        for line in self.rfile:
            verb, name, *words = line.decode().split()
            if verb == "SET":
                self.server.kept[name] = " ".join(words)
            said = self.server.who.says(kept=self.server.kept.get(name))
            self.wfile.write(written(said) + b"\n")


def main() -> None:
    """Serve until SIGTERM."""
    store = Store(Who.from_arguments())
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=store.shutdown).start())
    store.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main()
