"""The resolver of all pods: a process in the machine's own network, on sockets that were made in the pods'.

It knows the mesh's names, and asks this machine's resolvers for all others. Standard library only. Must not
know how networks are made.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from pathlib import Path

from laneway.local.netns import dns, wire

_RESOLV_CONF = Path("/etc/resolv.conf")
_PORT = 53
_TRY_SECONDS = 3.0
_IDLE_SECONDS = 10.0
_DATAGRAM_BYTES_MAX = 65_535
_LENGTH = struct.Struct(">H")

_Answer = Callable[[bytes, bool], Awaitable[bytes]]


def run(orders: socket.socket) -> None:
    """Serve until who gives the orders has ended.

    Orders: `{"names": {NAME: ADDRESS}}`; `{"serve": POD}` with the pod's sockets, of datagrams and listening;
    `{"forget": POD}`.
    """
    asyncio.run(_Resolver(orders).run())


class _Resolver:
    def __init__(self, orders: socket.socket) -> None:
        self._orders = orders
        self._names: Mapping[str, str] = {}
        self._pods: dict[str, _Pod] = {}
        self._ended = asyncio.Event()

    async def run(self) -> None:
        self._orders.setblocking(False)
        asyncio.get_running_loop().add_reader(self._orders, self._ordered)
        await self._ended.wait()

    def _ordered(self) -> None:
        received = wire.receive(self._orders)
        if received is None:
            self._ended.set()
            return
        match received:
            case {"names": dict(names)}, _:
                self._names = names
            case {"serve": str(pod)}, [datagrams, connections]:
                self._pods[pod] = _Pod(self._answer, datagrams, connections)
            case {"forget": str(pod)}, _:
                if served := self._pods.pop(pod, None):
                    served.close()

    async def _answer(self, packet: bytes, stream: bool) -> bytes:
        """Raises ValueError for what is no question."""
        known = dns.answer(packet, self._names)
        return known if known is not None else await _forward(packet, stream)


async def _forward(packet: bytes, stream: bool) -> bytes:
    """The answer of this machine's resolvers, the first that gives one."""
    servers = _servers()
    ask = _ask_by_stream if stream else _ask_by_datagram
    for server in servers:
        with suppress(OSError, asyncio.IncompleteReadError):  # a time-out is an OSError
            async with asyncio.timeout(_TRY_SECONDS):
                return await ask(packet, server)
    return dns.failure(packet, len(servers))


def _servers() -> list[str]:
    return dns.nameservers(_RESOLV_CONF.read_text()) if _RESOLV_CONF.exists() else []


async def _ask_by_datagram(packet: bytes, server: str) -> bytes:
    """A socket for each question, so that its port cannot be guessed."""
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as to:
        await loop.sock_connect(to, (server, _PORT))
        await loop.sock_sendall(to, packet)
        while True:
            answer = await loop.sock_recv(to, _DATAGRAM_BYTES_MAX)
            if answer[:2] == packet[:2]:
                return answer


async def _ask_by_stream(packet: bytes, server: str) -> bytes:
    reader, writer = await asyncio.open_connection(server, _PORT)
    try:
        return await _exchange(packet, reader, writer)
    finally:
        writer.close()


async def _exchange(packet: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    writer.write(_LENGTH.pack(len(packet)) + packet)
    return await _read(reader)


async def _read(reader: asyncio.StreamReader) -> bytes:
    (size,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    return await reader.readexactly(size)


class _Pod:
    """The two sockets of one pod, served until `close`. answer: see `_Resolver._answer`."""

    def __init__(self, answer: _Answer, datagrams: int, connections: int) -> None:
        self._answer = answer
        self._datagrams = socket.socket(fileno=datagrams)
        self._datagrams.setblocking(False)
        self._connections = socket.socket(fileno=connections)
        self._connections.setblocking(False)
        self._questions: set[asyncio.Task[None]] = set()
        self._serving = [asyncio.create_task(self._serve()), asyncio.create_task(self._accept())]

    def close(self) -> None:
        for task in (*self._serving, *self._questions):
            task.cancel()
        self._datagrams.close()
        self._connections.close()

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            packet, sender = await loop.sock_recvfrom(self._datagrams, _DATAGRAM_BYTES_MAX)
            self._begin(self._reply(packet, sender))

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(self._connections)
            self._begin(self._converse(connection))

    def _begin(self, question: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(question)
        self._questions.add(task)
        task.add_done_callback(self._questions.discard)

    async def _reply(self, packet: bytes, sender: tuple[str, int]) -> None:
        with suppress(ValueError, OSError):
            answer = await self._answer(packet, False)
            await asyncio.get_running_loop().sock_sendto(self._datagrams, answer, sender)

    async def _converse(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=connection)
        try:
            async with asyncio.timeout(_IDLE_SECONDS):
                answer = await self._answer(await _read(reader), True)
                writer.write(_LENGTH.pack(len(answer)) + answer)
                await writer.drain()
        except (ValueError, OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
