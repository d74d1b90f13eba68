"""Asking an application: HTTP, TCP, gRPC's health check, and programs. Every failure is an answer."""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import grpc

from laneway import __version__
from laneway.local.probes import Answer, Program, Target
from laneway.local.processes import spawn

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})(?: .*)?\r?\n?")
_LINE_BYTES_MAX = 1024
_OUTPUT_BYTES_MAX = 1024
_AGENT = ("User-Agent", f"laneway-probe/{__version__}")

_HEALTH = "/grpc.health.v1.Health/Check"
_SERVING = b"\x08\x01"
"""HealthCheckResponse{status: SERVING} on the wire."""

_GRPC_OPTIONS = (("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1))
"""A question goes straight to the application, by a connection of its own."""


async def ask(target: Target) -> Answer:
    """One question."""
    try:
        async with asyncio.timeout(target.timeout.total_seconds()):
            return await (_ask(target) if target.service is None else _check(target, target.service))
    except TimeoutError:
        return Answer(False, f"{target}: no answer within {target.timeout.total_seconds():g} s")
    except ssl.SSLError as error:
        return Answer(False, f"{target}: {error.reason or error}")
    except OSError as error:
        return Answer(False, f"{target}: {os.strerror(error.errno) if error.errno else error}")


async def run(program: Program, env: Mapping[str, str], cwd: Path, before: Sequence[str] = ()) -> Answer:
    """One run of a program. What is left of it when its time is over is killed. before: its words."""
    output = os.memfd_create("output")
    try:
        process = await spawn([*before, *program.argv], env, cwd, Path(f"/proc/self/fd/{output}"))
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


async def _ask(target: Target) -> Answer:
    reader, writer = await asyncio.open_connection(
        target.address, target.port, limit=_LINE_BYTES_MAX, ssl=_unverified() if target.tls else None
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


async def _check(target: Target, service: str) -> Answer:
    name = service.encode()
    request = b"\x0a" + _varint(len(name)) + name if name else b""
    async with grpc.aio.insecure_channel(f"{target.address}:{target.port}", options=_GRPC_OPTIONS) as channel:
        try:
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
