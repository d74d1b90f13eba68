"""Networks of pods in the kernel: who reaches whom, what is redirected, and that nothing is left."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.lab.node.captures import INBOUND_PORT, OUTBOUND_PORT, PROXY_GROUP
from tests.lab.node.hub import ROOT_END
from tests.lab.node.network import Network, Start

from laneway.local.process.processes import Process

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

SERVE = """
import socket, sys
with socket.create_server(("0.0.0.0", int(sys.argv[1]))) as server:
    print("serves", flush=True)
    while True:
        connection, _ = server.accept()
        connection.sendall(sys.argv[1].encode())
        connection.close()
"""
DIAL = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 5) as connection:
    print(connection.recv(100).decode())
"""
HOLD = """
import asyncio, pathlib, sys
from tests.lab.node.network import Network, Start
async def main():
    folder = pathlib.Path(sys.argv[1])
    async with Network(folder / "hub.log") as network:
        await network.add("a", captured=True)
        argv = ["sh", "-c", "sleep 1000 & sleep 1000"]
        start = Start(argv, {"PATH": "/usr/bin:/bin"}, pathlib.Path("/"), folder / "log", [folder])
        process = await network.start("a", "default", "a", "10.244.0.10", start)
        print(process.identity.pid, network.outside, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


class Pods:
    """Pods whose programs are Python's."""

    def __init__(self, network: Network, folder: Path) -> None:
        self.network = network
        self._folder = folder
        self._addresses: dict[str, str] = {}
        self._started = 0

    async def add(self, name: str, *, captured: bool = False) -> str:
        self._addresses[name] = await self.network.add(name, captured)
        return self._addresses[name]

    async def start(self, pod: str, *argv: str) -> tuple[Process, Path]:
        self._started += 1
        output = self._folder / f"{self._started}.log"
        hidden = self._folder / "hidden"
        hidden.mkdir(exist_ok=True)
        start = Start(argv, {"PATH": os.environ["PATH"]}, Path("/"), output, [hidden])
        return await self.network.start(pod, "default", pod, self._addresses[pod], start), output

    async def serve(self, pod: str, port: int) -> None:
        _, output = await self.start(pod, sys.executable, "-c", SERVE, str(port))
        async with asyncio.timeout(10):
            while "serves" not in output.read_text():  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.01)

    async def said(self, pod: str, *argv: str) -> str:
        process, output = await self.start(pod, *argv)
        await process.wait()
        return output.read_text().strip()

    async def dialled(self, pod: str, address: str, port: int, *before: str) -> str:
        said = await self.said(pod, *before, sys.executable, "-c", DIAL, address, str(port))
        return said.rpartition("\n")[2]


@pytest.fixture
async def pods(tmp_path: Path) -> AsyncIterator[Pods]:
    async with Network(tmp_path / "hub.log") as network:
        yield Pods(network, tmp_path)


async def test_a_pod_reaches_another_by_its_address(pods: Pods) -> None:
    there = await pods.add("there")
    await pods.add("here")
    await pods.serve("there", 8080)
    assert await pods.dialled("here", there, 8080) == "8080"


async def test_this_machine_reaches_a_pod_by_its_address(pods: Pods) -> None:
    there = await pods.add("there")
    await pods.serve("there", 8080)
    with socket.create_connection((there, 8080)) as connection:
        assert connection.recv(100) == b"8080"


async def test_a_pod_reaches_this_machine_by_the_address_outside(pods: Pods) -> None:
    await pods.add("here")
    with socket.create_server((pods.network.outside, 0)) as server:
        port = server.getsockname()[1]
        dialling = asyncio.create_task(pods.dialled("here", pods.network.outside, port))
        connection, _ = await asyncio.to_thread(server.accept)
        with connection:
            connection.sendall(b"hello")
        assert await dialling == "hello"


async def test_what_nobody_has_is_refused_at_once(pods: Pods) -> None:
    await pods.add("here")
    assert "No route to host" in await pods.dialled("here", "192.0.2.77", 80)


async def test_a_service_has_its_short_name(pods: Pods) -> None:
    await pods.add("here")
    await pods.network.resolve({"web.default.svc.cluster.local": "10.96.0.7"})
    assert (await pods.said("here", "getent", "hosts", "web")).split()[0] == "10.96.0.7"


async def test_an_address_that_is_forwarded_leads_to_one_of_several_pods(pods: Pods) -> None:
    first, second = await pods.add("first"), await pods.add("second")
    await pods.serve("first", 8080)
    await pods.serve("second", 8081)
    await pods.add("here")
    await pods.network.forward({("10.96.0.7", 80): [(first, 8080), (second, 8081)]})
    met = {await pods.dialled("here", "10.96.0.7", 80) for _ in range(20)}
    assert met == {"8080", "8081"}


async def test_a_pod_reaches_itself_by_an_address_that_is_forwarded(pods: Pods) -> None:
    own = await pods.add("here")
    await pods.serve("here", 8080)
    await pods.network.forward({("10.96.0.7", 80): [(own, 8080)]})
    assert await pods.dialled("here", "10.96.0.7", 80) == "8080"


async def test_what_a_captured_pod_sends_goes_to_its_sidecar(pods: Pods) -> None:
    await pods.add("here", captured=True)
    await pods.serve("here", OUTBOUND_PORT)
    assert await pods.dialled("here", "10.96.0.7", 80) == str(OUTBOUND_PORT)


async def test_what_its_sidecar_sends_is_not_redirected(pods: Pods) -> None:
    there = await pods.add("there")
    await pods.add("here", captured=True)
    await pods.serve("there", 8080)
    await pods.serve("here", OUTBOUND_PORT)
    as_sidecar = ("setpriv", "--regid", str(PROXY_GROUP), "--clear-groups")
    assert await pods.dialled("here", there, 8080, *as_sidecar) == "8080"


async def test_what_a_captured_pod_is_sent_goes_to_its_sidecar(pods: Pods) -> None:
    there = await pods.add("there", captured=True)
    await pods.serve("there", INBOUND_PORT)
    await pods.serve("there", 8080)
    await pods.add("here")
    assert await pods.dialled("here", there, 8080) == str(INBOUND_PORT)


async def test_a_captured_pod_dials_itself_without_its_sidecar(pods: Pods) -> None:
    own = await pods.add("here", captured=True)
    await pods.serve("here", 8080)
    assert await pods.dialled("here", own, 8080) == "8080"
    assert await pods.dialled("here", "127.0.0.1", 8080) == "8080"


async def test_networks_lie_side_by_side(pods: Pods, tmp_path: Path) -> None:
    async with Network(tmp_path / "other.log") as other:
        assert other.outside != pods.network.outside


async def test_nothing_is_left_when_it_is_over(tmp_path: Path) -> None:
    async with Network(tmp_path / "hub.log") as network:
        pods = Pods(network, tmp_path)
        await pods.add("a")
        process, _ = await pods.start("a", "sh", "-c", "sleep 1000 & sleep 1000")
        outside = network.outside
    assert not exists(process.identity.pid)
    assert outside not in await addresses()


async def test_nothing_is_left_when_who_holds_it_is_killed(tmp_path: Path) -> None:
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD, str(tmp_path), cwd=Path.cwd(), stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout is not None
    pid, outside = (await holder.stdout.readline()).decode().split()
    assert exists(int(pid))
    assert outside in await addresses()
    holder.send_signal(signal.SIGKILL)
    await holder.wait()
    async with asyncio.timeout(10):
        while exists(int(pid)) or outside in await addresses():  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(0.01)


def exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def addresses() -> list[str]:
    """Of this machine's ends of bridges."""
    asked = await asyncio.create_subprocess_exec(
        "ip", "-brief", "-4", "address", stdout=asyncio.subprocess.PIPE
    )
    text, _ = await asked.communicate()
    lines = (line.split() for line in text.decode().splitlines())
    return [words[2].partition("/")[0] for words in lines if words[0].startswith(ROOT_END)]
