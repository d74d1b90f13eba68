"""A gateway's process: started, adopted, started again, and left running."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from datetime import UTC, datetime, timedelta

import pytest
from tests.local.eventually import eventually

from laneway.local.container.containers import Command
from laneway.local.logs import log_file
from laneway.local.process.markers import Identity, Marker, Part, find, parts
from laneway.local.process.processes import kill_all
from laneway.local.proxy.gateway_process import GatewayProcess
from laneway.local.proxy.gateways import INGRESS
from laneway.local.state import State

PLACE = (INGRESS, Part.GATEWAY)
SLEEP = Command(["sh", "-c", "echo up; exec sleep 600"])


def gateway(state: State, command: Command = SLEEP) -> GatewayProcess:
    """The ingress of a state, as a process that does nothing."""
    marker = Marker(state.id, 64, INGRESS, Part.GATEWAY)
    return GatewayProcess(state, marker, lambda: command, lambda: datetime.now(UTC))


def running(state: State) -> Identity | None:
    """Its process."""
    return parts(find(state.id)).get(PLACE)


async def until_running(state: State, other_than: Identity | None = None) -> Identity:
    """Its process, as soon as there is one that is not this one."""
    await eventually(lambda: running(state) not in (None, other_than))
    found = running(state)
    assert found is not None
    return found


async def end(task: asyncio.Task[None], state: State) -> None:
    """Cancel the keeping, and kill what it left."""
    task.cancel()
    await asyncio.wait([task])
    await kill_all(state.id, timedelta(seconds=2))


async def test_a_gateway_survives_its_keeper_and_is_adopted(
    state: State, caplog: pytest.LogCaptureFixture
) -> None:
    """Its clients notice nothing of a daemon that is started anew."""
    caplog.set_level(logging.INFO, "laneway.local.proxy.gateway_process")
    first = asyncio.create_task(gateway(state).run(None))
    began = await until_running(state)
    await eventually(lambda: f"runs as process {began.pid}" in caplog.text)
    first.cancel()
    await asyncio.wait([first])
    second = asyncio.create_task(gateway(state).run(began))
    await asyncio.sleep(0)
    await eventually(lambda: [marked.identity for marked in find(state.id) if marked.leader] == [began])
    os.kill(began.pid, signal.SIGKILL)
    await until_running(state, other_than=began)
    await end(second, state)


async def test_a_gateway_that_ends_is_started_again(state: State, caplog: pytest.LogCaptureFixture) -> None:
    """Also one that was adopted; the log says why it ended."""
    task = asyncio.create_task(gateway(state).run(None))
    began = await until_running(state)
    os.kill(began.pid, signal.SIGKILL)
    await until_running(state, other_than=began)
    assert "istio-system/istio-ingressgateway: the gateway was killed by SIGKILL" in caplog.text
    await end(task, state)


async def test_a_gateway_that_is_gone_meanwhile_is_started(state: State) -> None:
    """The pid on record may be another's by now."""
    task = asyncio.create_task(gateway(state).run(Identity(os.getpid(), 1)))
    await until_running(state)
    await end(task, state)


async def test_a_gateway_writes_to_its_own_log(state: State) -> None:
    """Straight into the file, whoever keeps it."""
    task = asyncio.create_task(gateway(state).run(None))
    file = log_file(state.logs, INGRESS, Part.GATEWAY)
    await eventually(lambda: file.exists() and file.read_text() == "up\n")
    await end(task, state)
