"""The market's gRPC services: catalog, currency and cart. Messages are JSON: there is nothing to generate.

python rpc.py catalog v1
"""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from context import Who, listen_at, passed_on, written

SERVICE = "market.Market"
WORKERS = 64
GOODS = ("lantern", "kettle", "blanket")


class Market(grpc.GenericRpcHandler):
    """`Ask` answers once; `Watch` answers as often as it is asked, until the caller ends the stream."""

    def __init__(self, who: Who) -> None:
        self.who = who

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """The method of a call."""
        codec = {"request_deserializer": json.loads, "response_serializer": written}
        match handler_call_details.method:
            case "/market.Market/Ask":
                return grpc.unary_unary_rpc_method_handler(self.ask, **codec)
            case "/market.Market/Watch":
                return grpc.stream_stream_rpc_method_handler(self.watch, **codec)
        return None

    def ask(self, request: Any, call: grpc.ServicerContext) -> dict[str, Any]:
        """One answer; the cart's is made with its store."""
        match self.who.name:
            case "catalog":
                return self.who.says(goods=GOODS)
            case "currency":
                return self.who.says(rate=1.08)
        answer = self.who.says(store=from_store(f"GET {request.get('user', 'ada')}"))
        rate = call_market(os.environ["CURRENCY_ADDR"], dict(passed_on(call.invocation_metadata())))
        return answer | {"hops": [rate]}

    def watch(self, requests: Iterator[Any], call: grpc.ServicerContext) -> Iterator[dict[str, Any]]:
        """An answer for each message of the stream."""
        for number, _ in enumerate(requests):
            yield self.who.says(number=number)


def from_store(line: str) -> dict[str, Any]:
    """The answer of the store, which speaks lines over TCP."""
    host, _, port = os.environ["STORE_ADDR"].rpartition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(f"{line}\n".encode())
        answer: dict[str, Any] = json.loads(connection.makefile().readline())
        return answer


def call_market(address: str, context: dict[str, str], method: str = "Ask") -> dict[str, Any]:
    """One call of another gRPC service."""
    with grpc.insecure_channel(address) as channel:
        ask = channel.unary_unary(
            f"/{SERVICE}/{method}", request_serializer=written, response_deserializer=json.loads
        )
        answer: dict[str, Any] = ask({}, timeout=10, metadata=tuple(context.items()))
        return answer


def main() -> None:
    """Serve until SIGTERM; calls under way are answered."""
    host, port = listen_at(7000)
    server = grpc.server(ThreadPoolExecutor(WORKERS), handlers=(Market(Who.from_arguments()),))
    server.add_insecure_port(f"{host}:{port}")
    server.start()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    ended.wait()
    server.stop(grace=30).wait()


if __name__ == "__main__":
    main()
