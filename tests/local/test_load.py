"""The open-loop load: it keeps its schedule, and counts everything that it sent."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest

from laneway.local.http1 import Address, Request
from laneway.local.load import Counts, Load, Profile, Sample, in_background

pytestmark = pytest.mark.anyio

Reply = Callable[[int, bytes], Awaitable[bytes]]


def ok(version: str = "blue", **fields: object) -> bytes:
    body = json.dumps({"version": version, **fields}).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


@asynccontextmanager
async def serving(reply: Reply) -> AsyncIterator[tuple[Address, list[int]]]:
    """A server; `reply` gets a request's number and bytes. Yields its address, and requests by connection."""
    requests_by_connection: list[int] = []
    total = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal total
        mine = len(requests_by_connection)
        requests_by_connection.append(0)
        while request := await reader.read(65536):
            total += 1
            requests_by_connection[mine] += 1
            writer.write(await reply(total, request))
            if b"connection: close" in request:
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname(), requests_by_connection


async def run(load: Load, requests: int) -> Counts:
    """Runs the load until so many requests have ended."""
    stop = threading.Event()
    running = asyncio.create_task(load.run(stop))
    for _ in range(5000):
        if len(load.samples) >= requests:
            break
        await asyncio.sleep(0.001)
    stop.set()
    await running
    return load.counts()


def profile(rate: float = 500, **fields: Any) -> Profile:
    return Profile(Request("shop.example"), rate, **fields)


async def test_requests_leave_on_schedule_while_the_server_is_stuck() -> None:
    """A closed loop would have sent one."""
    stuck = asyncio.Event()
    arrived = 0

    async def reply(number: int, request: bytes) -> bytes:
        nonlocal arrived
        arrived += 1
        if arrived == 10:
            stuck.set()
        await stuck.wait()
        return ok()

    async with serving(reply) as (address, _):
        counts = await run(Load(address, profile()), 10)
    assert counts.failed == 0


async def test_latency_counts_from_the_time_the_request_was_due() -> None:
    """The wait for a stuck server belongs to each request that it delayed."""
    free = asyncio.Event()

    async def reply(number: int, request: bytes) -> bytes:
        if number == 5:
            free.set()
        await free.wait()
        return ok()

    async with serving(reply) as (address, _):
        load = Load(address, profile(rate=100))
        await run(load, 5)
    first_five = sorted(load.samples, key=lambda sample: sample.due_s)[:5]
    assert [round(later.due_s - earlier.due_s, 6) for earlier, later in pairwise(first_five)] == [0.01] * 4
    assert first_five[0].latency_s >= 0.04


async def test_what_is_late_refused_wrong_or_cut_off_is_counted_as_such() -> None:
    """Nothing that was sent is missing from the counts."""

    async def reply(number: int, request: bytes) -> bytes:
        match number % 4:
            case 0:
                await asyncio.sleep(1)
                return ok()
            case 1:
                return b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nnope"
            case 2:
                return ok(price=-1)
            case _:
                return ok("green")

    async with serving(reply) as (address, _):
        load = Load(address, profile(timeout_s=0.05), wrong=lambda answer: answer.get("price", 1) < 0)
        counts = await run(load, 20)
    assert counts.requests == sum(counts.errors.values()) + sum(counts.labels.values())
    assert set(counts.errors) == {"503 nope", "no answer within 0.05s"}
    assert counts.wrong == counts.labels["blue"] > 0
    assert counts.labels["green"] > 0


async def test_nobody_listening_is_a_failure_not_a_crash() -> None:
    """The load outlives what it measures."""
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    server.close()
    await server.wait_closed()
    counts = await run(Load(address, profile()), 3)
    assert counts.failed == counts.requests


async def test_a_share_of_requests_opens_connections_and_carries_bodies() -> None:
    """Both are what kept connections and bare GETs would hide."""
    bodies = 0

    async def reply(number: int, request: bytes) -> bytes:
        nonlocal bodies
        bodies += request.startswith(b"POST") and request.endswith(b"x" * 64)
        return ok()

    async with serving(reply) as (address, requests_by_connection):
        counts = await run(Load(address, profile(fresh_every=4, body_every=5, body_bytes=64)), 20)
    assert counts.failed == 0
    assert bodies == counts.requests // 5
    assert len(requests_by_connection) >= counts.requests // 4
    assert max(requests_by_connection) > 1


async def test_in_background_counts_what_was_on_its_way_at_the_end() -> None:
    """After the block nothing more is added."""
    arrived = threading.Event()
    asked = 0

    async def reply(number: int, request: bytes) -> bytes:
        nonlocal asked
        asked += 1
        arrived.set()
        return ok()

    def block(address: Address) -> Counts:
        with in_background(Load(address, profile())) as load:
            assert arrived.wait(5)
        return load.counts()

    async with serving(reply) as (address, _):
        counts = await asyncio.to_thread(block, address)
    assert counts.requests == asked
    assert counts.failed == 0


def test_counts_give_shares_and_latencies_by_nearest_rank() -> None:
    """Of 100 requests the 99th of the ordered latencies is p99; failed ones have no share."""
    samples = [Sample(0, number / 1000, 200, "blue" if number % 4 else "green") for number in range(1, 101)]
    counts = Counts.of([*samples, Sample(0, 0.0, 0, error="refused")])
    assert (counts.requests, counts.failed, counts.share("green")) == (101, 1, 0.25)
    assert (counts.p50_ms, counts.p99_ms, counts.max_ms) == (50, 99, 100)


def test_counts_of_nothing_are_zero() -> None:
    """No request has no share."""
    assert Counts.of([]).share("blue") == 0.0


def test_counts_may_look_at_the_newest_seconds_alone() -> None:
    """A share that moves is seen in the last seconds, not in the whole."""
    load = Load(("127.0.0.1", 1), profile())
    load.samples += [Sample(due, 0.0, 200, "blue" if due < 5 else "green") for due in range(10)]
    assert load.counts(last_s=3).labels == {"green": 4}
