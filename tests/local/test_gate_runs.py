"""Gates that are asked: real commands and a real server."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.local.eventually import eventually

from laneway.local.gate_runs import GateRuns
from laneway.local.process.markers import find
from laneway.local.state import State
from laneway.plan.observed import GateId
from laneway.plan.result import GateRun
from laneway.spec.meta import Key
from laneway.spec.release import GateResult
from laneway.spec.release_policy import StepGate

pytestmark = pytest.mark.anyio

SINCE = datetime(2030, 1, 1, tzinfo=UTC)


def python(code: str) -> list[str]:
    """A command."""
    return [sys.executable, "-E", "-c", code]


def run(**gate: Any) -> GateRun:
    """A gate of the pharmacy's first step, at 20 %."""
    known = GateId(Key("shop", "pharmacy-1"), SINCE, 0, 0)
    return GateRun(known, Key("shop", "pharmacy"), "r2", 2_000, StepGate.model_validate(gate))


@asynccontextmanager
async def asking(state: State) -> AsyncIterator[GateRuns]:
    """Nothing of it is left at the end."""
    state.logs.mkdir(parents=True, exist_ok=True)
    gates = GateRuns(
        state, 0, lambda kind, key: None, lambda: "http://gateway", lambda: datetime.now(UTC), lambda: None
    )
    try:
        yield gates
    finally:
        await gates.stop()
        assert find(state.id) == []


async def said(state: State, asked: GateRun) -> GateResult:
    """What a gate says."""
    async with asking(state) as gates:
        gates.set([asked])
        await eventually(lambda: gates.results)
        return gates.results[asked.id]


async def test_a_command_that_ends_with_0_passes(state: State) -> None:
    """It is told what it is asked about; its last words are the evidence."""
    code = "import os; print(os.environ['APP'], os.environ['WEIGHT'], os.environ['INGRESS'])"
    result = await said(state, run(command=python(code)))
    assert (result.passed, result.evidence) == (True, "exit code 0: pharmacy 20 http://gateway")


@pytest.mark.parametrize(
    ("gate", "evidence"),
    [
        ({"command": python("exit(4)")}, "exit code 4"),
        ({"command": python("exit(4)"), "retries": 1}, "exit code 4 (the last of 2 tries)"),
        ({"command": python("import time; time.sleep(60)"), "timeout": "50ms"}, "no end within 50ms"),
        ({"command": ["./there-is-none"]}, "could not be started: "),
    ],
)
async def test_a_command_that_ends_otherwise_fails(state: State, gate: Any, evidence: str) -> None:
    """And nothing of it runs on."""
    result = await said(state, run(**gate))
    assert not result.passed
    assert result.evidence.startswith(evidence)


async def test_a_command_may_be_tried_again(state: State, tmp_path: Path) -> None:
    """The first try leaves a mark, the second one finds it."""
    mark = f"pathlib.Path({str(tmp_path / 'mark')!r})"
    code = f"import pathlib; seen = {mark}.exists(); {mark}.touch(); exit(not seen)"
    assert (await said(state, run(command=python(code), retries=1))).passed


async def test_a_gate_that_is_no_longer_asked_ends(state: State) -> None:
    """With its children."""
    async with asking(state) as gates:
        gates.set([run(command=["sh", "-c", "sleep 600 & wait"])])
        await eventually(lambda: len(find(state.id)) == 2)
        gates.set([])
        await eventually(lambda: find(state.id) == [])
        assert gates.results == {}


@asynccontextmanager
async def server(status: bytes, port: int = 0) -> AsyncIterator[tuple[int, list[Any]]]:
    """Its port, and what it was told."""
    told: list[Any] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
        told.append(json.loads(await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", port) as listening:
        yield listening.sockets[0].getsockname()[1], told


@pytest.mark.parametrize(("status", "passed"), [(b"204 No", True), (b"409 No", False), (b"503 No", False)])
async def test_a_webhook_s_answer_decides(state: State, status: bytes, passed: bool) -> None:
    """It is told in JSON what it is asked about."""
    async with server(status) as (port, told):
        result = await said(state, run(webhook={"url": f"http://127.0.0.1:{port}/ok"}))
    assert (result.passed, result.evidence[:12]) == (passed, f"answered {status[:3].decode()}")
    assert (told[0]["app"], told[0]["revision"], told[0]["weight"]) == ("pharmacy", "r2", "20")


async def test_a_webhook_that_nobody_answers_is_called_again(state: State) -> None:
    """Nobody there is no answer."""
    async with server(b"200 OK") as (port, _):
        pass
    async with asking(state) as gates:
        asked = run(webhook={"url": f"http://127.0.0.1:{port}/ok"})
        gates.set([asked])
        await asyncio.sleep(0)
        assert gates.results == {}
        async with server(b"200 OK", port) as (_, told):
            await eventually(lambda: gates.results)
        assert gates.results[asked.id].passed
        assert told
