"""`laneway controller` as processes on a real control plane: who leads, what it answers, how it ends."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from tests.kubernetes.install.cluster import Cluster
from tests.lab.control_plane import ControlPlane

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

TRIES, PAUSE_SECONDS = 600, 0.1
LEASE = "/apis/coordination.k8s.io/v1/namespaces/istio-system/leases/laneway"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One event loop for the tests of this file."""
    return "asyncio"


@pytest.fixture(scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ControlPlane]:
    """A control plane with an istiod, in which Laneway is installed and nobody runs."""
    async with ControlPlane(tmp_path_factory.mktemp("lab")) as running:
        await Cluster(running).install()
        yield running


@dataclass
class Running:
    """A controller's process."""

    process: asyncio.subprocess.Process
    health: int
    metrics: int
    log: Path

    async def answers(self, path: str, port: int | None = None) -> tuple[int, str]:
        """Status and text; 0 where nothing listens."""
        url = f"http://127.0.0.1:{port or self.health}{path}"
        try:
            async with aiohttp.ClientSession() as session, session.get(url) as answer:
                return answer.status, await answer.text()
        except aiohttp.ClientError:
            return 0, ""

    async def until(self, said: str) -> None:
        """It says that it is ready, in this way."""
        for _ in range(TRIES):
            if await self.answers("/readyz") == (200, f"{said}\n"):
                return
            assert self.process.returncode is None, await asyncio.to_thread(self.log.read_text)
            await asyncio.sleep(PAUSE_SECONDS)
        raise AssertionError(f"it never {said}: {await asyncio.to_thread(self.log.read_text)}")

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it. Returns its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await self.process.wait()


_numbers = itertools.count(1)


@asynccontextmanager
async def controller(lab: ControlPlane, folder: Path) -> AsyncIterator[Running]:
    """A controller that runs inside, as whoever the kubeconfig says."""
    health, metrics = free_port(), free_port()
    log = folder / f"controller-{next(_numbers)}.log"
    command = ["-c", "from laneway.cli.main import main; main()"]
    words = ["controller", "--health-port", str(health), "--metrics-port", str(metrics)]
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, *words, "--log-format", "json", stderr=output,
            env=os.environ | {"KUBECONFIG": str(lab.kubeconfig)},
        )  # fmt: skip
    running = Running(process, health, metrics, log)
    try:
        yield running
    finally:
        await running.end()


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def holder(lab: ControlPlane) -> str:
    """Who holds the Lease."""
    return str((await lab.api.get(LEASE))["spec"].get("holderIdentity") or "")


async def test_it_leads_tells_its_numbers_and_gives_the_lead_back(lab: ControlPlane, tmp_path: Path) -> None:
    """SIGTERM is a clean end: nobody has to wait for the Lease to run out."""
    async with controller(lab, tmp_path) as one:
        await one.until("leads")
        assert (await one.answers("/healthz"))[0] == 200
        status, numbers = await one.answers("/metrics", one.metrics)
        assert status == 200
        assert "\nlaneway_leads 1\n" in numbers
        assert 'laneway_api_requests_total{verb="watch",kind="App"} 1' in numbers
        assert await holder(lab)
        assert await one.end() == 0
        assert await holder(lab) == ""
    assert '"level":"info"' in await asyncio.to_thread(one.log.read_text)


async def test_a_second_one_waits_and_takes_over(lab: ControlPlane, tmp_path: Path) -> None:
    """It is ready all the while."""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(controller(lab, tmp_path))
        await one.until("leads")
        first = await holder(lab)
        two = await stack.enter_async_context(controller(lab, tmp_path))
        await two.until("waits for the lead")
        assert "\nlaneway_leads 0\n" in (await two.answers("/metrics", two.metrics))[1]
        await one.end()
        await two.until("leads")
        assert await holder(lab) not in {"", first}
