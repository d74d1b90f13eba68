"""Real questions to real sockets and programs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import grpc
import pytest

from laneway.local.pod.asking import ask, run
from laneway.local.pod.probes import Answer, Program, Target
from laneway.local.process.processes import spawn

Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]
LONG = timedelta(seconds=10)


async def in_place(program: Program, env: dict[str, str], folder: Path) -> Answer:
    """A program's answer, run with this environment in this folder."""
    return await run(program, lambda output: spawn(program.argv, env, folder, output))


@asynccontextmanager
async def server(answering: Answering) -> AsyncIterator[int]:
    """A server on a free port of 127.0.0.1."""
    listening = await asyncio.start_server(answering, "127.0.0.1", 0)  # type: ignore[arg-type]
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


def says(text: bytes) -> Answering:
    """Answers any request with this and hangs up."""

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(text)
        writer.close()

    return answering


@pytest.mark.parametrize(
    ("text", "ok", "detail"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", True, "200"),
        (b"HTTP/1.0 399 \r\n\r\n", True, "399"),
        (b"HTTP/1.1 204\n", True, "204"),
        (b"HTTP/1.1 400 Bad\r\n\r\n", False, "400"),
        (b"HTTP/1.1 503 Unavailable\r\n\r\n", False, "503"),
        (b"HTTP/1.1 200OK\r\n\r\n", False, "not HTTP"),
        (b"SSH-2.0-OpenSSH\r\n", False, "not HTTP"),
        (b"x" * 5000, False, "not HTTP"),
        (b"", False, "not HTTP"),
    ],
)
async def test_an_http_probe_is_answered_by_the_status(text: bytes, ok: bool, detail: str) -> None:
    """200 to 399 is success; whatever is not an HTTP answer is a failure."""
    async with server(says(text)) as port:
        answer = await ask(Target("127.0.0.1", port, "/up", timedelta(seconds=5)))
    assert answer.ok is ok
    assert detail in answer.detail


async def test_an_http_probe_is_a_proper_request() -> None:
    """With Host, and without keeping the connection."""
    seen: list[bytes] = []

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        writer.close()

    async with server(answering) as port:
        await ask(Target("127.0.0.1", port, "/up?x=1", timedelta(seconds=5)))
    lines = seen[0].split(b"\r\n")
    assert lines[0] == b"GET /up?x=1 HTTP/1.1"
    assert {b"Host: 127.0.0.1:%d" % port, b"Connection: close"} <= set(lines)


async def test_a_connection_is_enough_for_a_tcp_probe() -> None:
    """And a refused one is a failure that says so."""
    async with server(says(b"")) as port:
        asked = Target("127.0.0.1", port, None, timedelta(seconds=5))
        assert (await ask(asked)).ok
    assert await ask(asked) == Answer(False, f"{asked}: Connection refused")


async def test_silence_is_a_failure_after_the_timeout() -> None:
    """Its limit is named."""
    release = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        writer.close()

    async with server(silent) as port:
        answer = await ask(Target("127.0.0.1", port, "/", timedelta(seconds=0.05)))
        release.set()
    assert answer == Answer(False, f"GET / on 127.0.0.1:{port}: no answer within 0.05 s")


async def test_headers_of_a_probe_replace_its_own() -> None:
    """Host among them."""
    seen: list[bytes] = []

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        writer.close()

    async with server(answering) as port:
        await ask(Target("127.0.0.1", port, "/", LONG, headers=(("host", "shop.example"), ("X-Key", "1"))))
    lines = seen[0].split(b"\r\n")
    assert {b"host: shop.example", b"X-Key: 1"} <= set(lines)
    assert not any(line.startswith(b"Host:") for line in lines)


async def test_programs_succeed_by_their_exit_status(tmp_path: Path) -> None:
    """The last line that they wrote says why they failed."""
    env = {"PATH": "/bin:/usr/bin", "WHY": "no disk"}
    assert await in_place(Program(["sh", "-c", "exit 0"], LONG), env, tmp_path) == Answer(
        True, "sh -c exit 0: exit status 0"
    )
    failed = await in_place(
        Program(["sh", "-c", "echo start; echo $WHY >&2; pwd > here; exit 3"], LONG), env, tmp_path
    )
    assert not failed.ok and failed.detail.endswith("exit status 3: no disk")
    assert (tmp_path / "here").read_text().strip() == str(tmp_path)
    missing = await in_place(Program(["/no/such"], LONG), env, tmp_path)
    assert missing == Answer(False, "/no/such: No such file or directory")


async def test_a_program_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """With its children."""
    endless = Program(["sleep", "600"], timedelta(seconds=0.05))
    assert await in_place(endless, {"PATH": "/bin:/usr/bin"}, tmp_path) == Answer(
        False, "sleep 600: not done within 0.05 s"
    )


class Health(grpc.GenericRpcHandler):  # type: ignore[misc]
    """A health service: `up` serves, `down` does not; nothing else is known."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """Answers grpc.health.v1.Health/Check on the wire's bytes."""
        if details.method != "/grpc.health.v1.Health/Check":
            return None
        return grpc.unary_unary_rpc_method_handler(self._check)

    async def _check(self, request: bytes, context: grpc.aio.ServicerContext) -> bytes:
        known = {b"": b"\x08\x01", b"\x0a\x02up": b"\x08\x01", b"\x0a\x04down": b"\x08\x02"}
        if request not in known:
            await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return known[request]


@pytest.mark.parametrize(
    ("service", "ok", "detail"),
    [
        ("", True, "the server on 127.0.0.1:{}: SERVING"),
        ("up", True, "up on 127.0.0.1:{}: SERVING"),
        ("down", False, "down on 127.0.0.1:{}: not SERVING"),
        ("other", False, "other on 127.0.0.1:{}: NOT_FOUND: unknown service"),
    ],
)
async def test_a_grpc_probe_asks_the_health_service(service: str, ok: bool, detail: str) -> None:
    """By the name of a service; without one, for the whole server."""
    serving = grpc.aio.server()
    serving.add_generic_rpc_handlers((Health(),))
    port = serving.add_insecure_port("127.0.0.1:0")
    await serving.start()
    try:
        answer = await ask(Target("127.0.0.1", port, None, LONG, service=service))
    finally:
        await serving.stop(None)
    assert answer == Answer(ok, f"gRPC health check of {detail.format(port)}")
