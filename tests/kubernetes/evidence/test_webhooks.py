"""Webhooks that are asked, by real servers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.kubernetes.evidence.running_prometheus import free_port
from tests.local.eventually import eventually

from laneway.kubernetes.evidence import webhooks
from laneway.kubernetes.evidence.webhooks import Webhooks
from laneway.plan.observed import GateId
from laneway.plan.result import GateRun
from laneway.spec.meta import Key
from laneway.spec.release import GateResult
from laneway.spec.release_policy import StepGate

pytestmark = pytest.mark.anyio

SINCE = datetime(2030, 1, 1, tzinfo=UTC)
APP = Key("shop", "pharmacy")


def run(index: int = 0, **gate: Any) -> GateRun:
    """A gate of the pharmacy's first step, at 20 %."""
    known = GateId(Key("shop", "pharmacy-1"), SINCE, 0, index)
    return GateRun(known, APP, "r2", 2_000, StepGate.model_validate(gate))


def calling(port: int, **more: Any) -> GateRun:
    """A gate that calls a server of this machine."""
    return run(webhook={"url": f"http://127.0.0.1:{port}/ok", **more})


@asynccontextmanager
async def server(head: bytes, port: int = 0, hangs: bool = False) -> AsyncIterator[tuple[int, list[Any]]]:
    """Its port, and what it was told. hangs: an answer has no end."""
    told: list[Any] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(asked.partition(b"content-length:")[2].split(b"\r\n")[0])
        told.append(json.loads(await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 " + head)
        await writer.drain()
        if not hangs:
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", port) as listening:
        yield listening.sockets[0].getsockname()[1], told


@asynccontextmanager
async def asking() -> AsyncIterator[Webhooks]:
    """Webhooks that are asked inside."""
    asked = Webhooks()
    task = asyncio.create_task(asked.run())
    try:
        yield asked
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def said(gate: GateRun) -> GateResult:
    """What a gate says."""
    async with asking() as asked:
        asked.set([gate])
        await eventually(lambda: asked.results)
        return asked.results[gate.id]


OK = b"200 OK\r\ncontent-length: 2\r\n\r\nok"


async def test_a_webhook_that_answers_with_2xx_passes_and_is_told_what_is_asked() -> None:
    async with server(OK) as (port, told):
        result = await said(calling(port))
    assert (result.passed, result.evidence) == (True, "answered 200: ok")
    assert told == [
        {
            "app": "pharmacy",
            "namespace": "shop",
            "release": "pharmacy-1",
            "revision": "r2",
            "weight": "20",
            "step": "1",
            "ingress": "",
        }
    ]


@pytest.mark.parametrize("status", [b"404 Not Found", b"500 Oh", b"302 Found\r\nlocation: /there"])
async def test_any_other_answer_fails(status: bytes) -> None:
    async with server(status + b"\r\ncontent-length: 3\r\n\r\nno\n") as (port, told):
        result = await said(calling(port))
    assert (result.passed, result.evidence) == (False, f"answered {status[:3].decode()}: no")
    assert len(told) == 1


async def test_a_webhook_that_does_not_answer_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """At first nobody listens, then somebody who says nothing, then it answers."""
    monkeypatch.setattr(webhooks, "AGAIN_SECONDS", 0.01)
    port = free_port()
    async with asking() as asked:
        asked.set([calling(port, timeout="200ms")])
        async with server(b"", port) as (_, told):
            await eventually(lambda: told)
        async with server(b"", port, hangs=True) as (_, told):
            await eventually(lambda: len(told) > 1)
        async with server(OK, port):
            await eventually(lambda: asked.results)
    (result,) = asked.results.values()
    assert result.passed


async def test_an_answer_without_an_end_is_an_answer() -> None:
    async with server(b"200 OK\r\n\r\n" + b"x" * 150, hangs=True) as (port, _):
        result = await said(calling(port))
    assert (result.passed, result.evidence) == (True, "answered 200: " + "x" * 150)


async def test_of_a_long_answer_the_beginning_is_kept() -> None:
    async with server(b"200 OK\r\n\r\n" + b"x" * 500_000, hangs=True) as (port, _):
        assert (await said(calling(port))).evidence == "answered 200: " + "x" * 200


async def test_a_url_that_is_none_fails() -> None:
    result = await said(run(webhook={"url": "http://[::1/ok"}))
    assert (result.passed, result.evidence[:17]) == (False, "cannot be called:")


async def test_the_app_is_told_once_its_gate_has_answered() -> None:
    told: list[frozenset[Key]] = []
    async with server(OK) as (port, asked_of), asking() as asked:
        asked.subscribe(told.append)
        asked.set([calling(port)])
        await eventually(lambda: told)
        asked.set([calling(port)])
        assert told == [frozenset({APP})]
        asked.set([])
        assert asked.results == {}
        asked.set([calling(port)])
        await eventually(lambda: len(told) == 2)
        assert len(asked_of) == 2


async def test_a_gate_that_is_no_longer_asked_for_ends() -> None:
    async with server(b"", hangs=True) as (port, told), asking() as asked:
        asked.set([calling(port)])
        await eventually(lambda: told)
        asked.set([])
        asked.set([calling(port)])
        await eventually(lambda: len(told) == 2)
        assert asked.results == {}


async def test_commands_and_approvals_are_not_asked_here() -> None:
    async with server(OK) as (port, _), asking() as asked:
        asked.set([run(1, command=["true"]), run(2, approval={}), calling(port)])
        await eventually(lambda: asked.results)
        assert [known.gate for known in asked.results] == [0]


async def test_what_is_wanted_before_it_runs_is_asked_when_it_does() -> None:
    asked = Webhooks()
    async with server(OK) as (port, _):
        asked.set([calling(port)])
        task = asyncio.create_task(asked.run())
        await eventually(lambda: asked.results)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    asked.set([])
