"""A load with requests of every kind: short and long ones, with and without bodies, WebSockets, streams, TCP.

Open loop: each begins on its schedule, whatever became of the ones before. Whatever does not end as it should
is a failure, with its reason; nothing is tried again.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import grpc
from tests.acceptance.busy import echo_of
from websockets.asyncio.client import connect

from laneway.local.http1 import Address, Connection, Request
from laneway.local.load import Load, Profile

HOST, RPC_HOST = "busy.test", "rpc.busy.test"
RATE = 100
SLOW_SECONDS = 5
TCP_SECONDS = 10
"""Longer than all else: so that nothing but the connection itself keeps its pod."""
STREAM_MESSAGES, STREAM_PAUSE_SECONDS = 10, 0.4
EVERY_SECONDS = {"slow": 0.5, "websocket": 1.0, "grpc": 1.0, "tcp": 0.5}
"""How often one of each of the longer kinds begins."""


@dataclass(slots=True)
class Counted:
    """What became of the requests of one kind. errors: by their reason."""

    begun: int = 0
    ended: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)


class Mix:
    """A load on one ingress. headers: of every request."""

    def __init__(self, address: Address, headers: Mapping[str, str] | None = None) -> None:
        self._address, self._headers = address, dict(headers or {})
        self.counted = {kind: Counted() for kind in EVERY_SECONDS}
        request = Request(HOST, headers=self._headers)
        self.short = Load(address, Profile(request, RATE, timeout_s=10), label=version_behind)

    def failures(self) -> dict[str, dict[str, int]]:
        """What failed, by kind and reason; empty where nothing did."""
        found = {kind: dict(counted.errors) for kind, counted in self.counted.items() if counted.errors}
        short = self.short.counts()
        return found | ({"short": dict(short.errors)} if short.errors else {})

    def line(self) -> str:
        """Counts by kind, for people."""
        short = self.short.counts()
        kinds = [f"{short.requests} short, {short.failed} failed"]
        kinds += [f"{c.ended} {kind}, {c.errors.total()} failed" for kind, c in self.counted.items()]
        return "; ".join(kinds)

    async def run(self, stop: threading.Event) -> None:
        """Send until `stop` is set, then wait for what is on its way."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.short.run(stop))
            for kind, exchange in (
                ("slow", self._slow),
                ("websocket", self._websocket),
                ("grpc", self._grpc),
                ("tcp", self._tcp),
            ):
                group.create_task(self._every(kind, exchange, stop))

    async def _every(self, kind: str, exchange: Callable[[], Awaitable[str]], stop: threading.Event) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.TaskGroup() as group:
            for number in count():
                await asyncio.sleep(began + number * EVERY_SECONDS[kind] - loop.time())
                if stop.is_set():
                    return
                group.create_task(self._one(self.counted[kind], exchange))

    async def _one(self, counted: Counted, exchange: Callable[[], Awaitable[str]]) -> None:
        counted.begun += 1
        try:
            async with asyncio.timeout(30):
                counted.versions[await exchange()] += 1
        except Exception as failure:  # whatever a client raises is a request that failed
            counted.errors[f"{type(failure).__name__}: {failure}"[:300]] += 1
        counted.ended += 1

    async def _slow(self) -> str:
        """A request with a body that takes 5 s at the last service."""
        return await self._one_request(
            Request(HOST, f"/slow/{SLOW_SECONDS}", self._headers, body=b"x" * 1000)
        )

    async def _tcp(self) -> str:
        """A conversation of 10 s between the services, on a connection of TCP."""
        return await self._one_request(Request(HOST, f"/lines/{TCP_SECONDS}", self._headers))

    async def _one_request(self, request: Request) -> str:
        connection = await Connection.open(self._address)
        response = await connection.ask(request.encoded())
        connection.close()
        assert response.status == 200, f"{response.status} {response.body[:200]!r}"
        return version_behind(json.loads(response.body))

    async def _websocket(self) -> str:
        """A conversation on one WebSocket; every message is answered by the same pods."""
        ends = set()
        uri = f"ws://{HOST}/ws"
        host, port = self._address
        async with connect(uri, host=host, port=port, additional_headers=self._headers, proxy=None) as socket:
            for number in range(STREAM_MESSAGES):
                await socket.send(str(number))
                answer = json.loads(await socket.recv())
                assert answer["said"] == str(number)
                ends.add(version_behind(answer))
                await asyncio.sleep(STREAM_PAUSE_SECONDS)
        (version,) = ends
        return version

    async def _grpc(self) -> str:
        """A stream on a channel of its own; it ends with status OK."""
        ends = set()
        options = (("grpc.default_authority", RPC_HOST), ("grpc.enable_retries", 0))
        host, port = self._address
        async with grpc.aio.insecure_channel(f"{host}:{port}", options=options) as channel:
            call = echo_of(channel)(metadata=tuple(self._headers.items()))
            for number in range(STREAM_MESSAGES):
                await call.write(number)
                answer: Any = await call.read()
                assert answer is not grpc.aio.EOF, f"{await call.code()} {await call.details()}"
                assert answer["said"] == number
                ends.add(version_behind(answer))
                await asyncio.sleep(STREAM_PAUSE_SECONDS)
            await call.done_writing()
            assert await call.code() == grpc.StatusCode.OK
        (version,) = ends
        return version


def version_behind(answer: Mapping[str, Any]) -> str:
    """The version of the service behind the first one."""
    return str(answer["hops"][0]["version"])
