"""Readiness: what answers amount to, and real questions to real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import reduce

import pytest

from laneway.local.probes import Answer, ReadinessState, Target, ask, target
from laneway.spec.kubernetes import HttpGet, Probe, TcpSocket

Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]

PORTS, NAMES = {80: 10080, 9090: 9090}, {"http": 80, "admin": 9090}
HOST = "127.64.129.0"
NO_PORT = Answer(False, "readinessProbe: the container has no port named 'none'")


def after(probe: Probe, answers: str) -> ReadinessState:
    """The state after these answers: y for success, n for failure."""
    return reduce(
        lambda state, letter: state.after(Answer(letter == "y", letter)), answers, ReadinessState(probe)
    )


@pytest.mark.parametrize(
    ("answers", "ready"),
    [("", False), ("y", False), ("yy", True), ("yny", False), ("yyn", True), ("yynn", True), ("yynnn", False),
     ("yynnynn", True), ("yynnny", False), ("yynnnyy", True)],
)  # fmt: skip
def test_thresholds_count_answers_in_a_row(answers: str, ready: bool) -> None:
    """As in Kubernetes: two successes to become ready, three failures to stop being so."""
    assert after(Probe(success_threshold=2, failure_threshold=3), answers).ready is ready


def test_until_first_ready_questions_come_quickly() -> None:
    """50 ms growing to the period; afterwards the period, also when it is not ready any more."""
    probe = Probe(period_seconds=2, failure_threshold=1)
    delays = [after(probe, "n" * count).delay.total_seconds() for count in range(100)]
    assert delays[0] == 0.05
    assert delays == sorted(delays)
    assert sum(delays[:10]) < 2.5
    assert delays[-1] == 2
    assert after(probe, "y").delay == after(probe, "yn").delay == timedelta(seconds=2)


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        (None, Target(HOST, 10080, None, timedelta(seconds=1))),
        (Probe(timeout_seconds=3), Target(HOST, 10080, None, timedelta(seconds=3))),
        (Probe(http_get=HttpGet(path="/up", port=80)), Target(HOST, 10080, "/up", timedelta(seconds=1))),
        (Probe(http_get=HttpGet(port="admin")), Target(HOST, 9090, "/", timedelta(seconds=1))),
        (Probe(tcp_socket=TcpSocket(port=7000)), Target(HOST, 7000, None, timedelta(seconds=1))),
        (Probe(tcp_socket=TcpSocket(port="none")), NO_PORT),
    ],
)  # fmt: skip
def test_a_probe_asks_the_applications_own_address(probe: Probe | None, expected: Target | Answer) -> None:
    """By the port's number or name, as it is on this machine; without a probe, the first port."""
    assert target(probe, HOST, PORTS, NAMES) == expected


def test_a_container_without_ports_is_ready_when_it_runs() -> None:
    """There is nothing to ask."""
    assert target(None, HOST, {}, {}) == Answer(True, "the container has no port to ask")


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
