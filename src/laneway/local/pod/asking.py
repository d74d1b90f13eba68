"""Asking an application: HTTP, TCP, gRPC's health check, and programs. Every failure is an answer."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import grpc

from laneway import __version__
from laneway.local.pod.probes import Answer, Program, Target
from laneway.local.pod.relay import relay
from laneway.local.process.processes import Process

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})(?: .*)?\r?\n?")
_LINE_BYTES_MAX = 1024
_OUTPUT_BYTES_MAX = 1024
_AGENT = ("User-Agent", f"laneway-probe/{__version__}")

_HEALTH = "/grpc.health.v1.Health/Check"
_SERVING = b"\x08\x01"
"""HealthCheckResponse{status: SERVING} on the wire."""

_GRPC_OPTIONS = (("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1))
"""A question goes straight to the application, by a connection of its own."""


Opened = Callable[[int], Awaitable[socket.socket]]
"""A TCP socket of an address family in the network that the target is in."""


async def here(family: int) -> socket.socket:
    """A socket in the machine's own network."""
    return socket.socket(family)


async def ask(target: Target, opened: Opened = here) -> Answer:
    """One question, put on a socket that is opened for it."""
    try:
        async with asyncio.timeout(target.timeout.total_seconds()):
            if target.service is not None:
                return await _check(target, target.service, opened)
            return await _ask(target, await _connected(target, opened))
    except TimeoutError:
        return Answer(False, f"{target}: no answer within {target.timeout.total_seconds():g} s")
    except ssl.SSLError as error:
        return Answer(False, f"{target}: {error.reason or error}")
    except OSError as error:
        return Answer(False, f"{target}: {os.strerror(error.errno) if error.errno else error}")


async def run(program: Program, start: Callable[[Path], Awaitable[Process]]) -> Answer:
    """One run of a program. What is left of it when its time is over is killed.

    start: starts it with its output appended to a file.
    """
    output = os.memfd_create("output")
    try:
        process = await start(Path(f"/proc/self/fd/{output}"))
        try:
            async with asyncio.timeout(program.timeout.total_seconds()):
                status = await process.wait()
        except TimeoutError:
            return Answer(False, f"{program}: not done within {program.timeout.total_seconds():g} s")
        finally:
            await process.end_session()
        return Answer(status == 0, f"{program}: exit status {status}{_last_line(output)}")
    except OSError as error:
        return Answer(False, f"{program}: {error.strerror}")
    finally:
        os.close(output)


def _last_line(output: int) -> str:
    size = os.fstat(output).st_size
    text = os.pread(output, _OUTPUT_BYTES_MAX, max(0, size - _OUTPUT_BYTES_MAX)).decode(errors="replace")
    lines = text.strip().splitlines()
    return f": {lines[-1]}" if lines else ""


async def _connected(target: Target, opened: Opened) -> socket.socket:
    family = socket.AF_INET6 if ":" in target.address else socket.AF_INET
    connection = await opened(family)
    connection.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connection, (target.address, target.port))
    except BaseException:
        connection.close()
        raise
    return connection


async def _ask(target: Target, connection: socket.socket) -> Answer:
    reader, writer = await asyncio.open_connection(
        sock=connection,
        limit=_LINE_BYTES_MAX,
        ssl=_unverified() if target.tls else None,
        server_hostname=target.address if target.tls else None,
    )
    try:
        if target.path is None:
            return Answer(True, f"{target}: accepted")
        writer.write(_request(target))
        return _judge(target, await reader.readline())
    except ValueError:
        return Answer(False, f"{target}: the answer is not HTTP")
    finally:
        writer.close()


async def _check(target: Target, service: str, opened: Opened) -> Answer:
    name = service.encode()
    request = b"\x0a" + _varint(len(name)) + name if name else b""
    async with relay(await _connected(target, opened)) as path:
        try:
            async with grpc.aio.insecure_channel(path, options=_GRPC_OPTIONS) as channel:
                answer: bytes = await channel.unary_unary(_HEALTH)(request)
        except grpc.aio.AioRpcError as error:
            return Answer(False, f"{target}: {error.code().name}: {error.details()}")
    serving = answer.startswith(_SERVING)
    return Answer(serving, f"{target}: {'SERVING' if serving else 'not SERVING'}")


def _varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low]) if not rest else bytes([low | 0x80]) + _varint(rest)


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _request(target: Target) -> bytes:
    said = {name.lower() for name, _ in target.headers}
    own = (("Host", f"{target.address}:{target.port}"), _AGENT, ("Accept", "*/*"))
    headers = [*(each for each in own if each[0].lower() not in said), *target.headers]
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"GET {target.path} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n".encode()


def _judge(target: Target, line: bytes) -> Answer:
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        return Answer(False, f"{target}: the answer is not HTTP")
    status = int(match[1])
    return Answer(200 <= status <= 399, f"{target}: {status}")


async def pause(duration: timedelta) -> Answer:
    """Wait."""
    await asyncio.sleep(duration.total_seconds())
    return Answer(True, f"slept {duration.total_seconds():g} s")
