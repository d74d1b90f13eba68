"""A control plane with real Envoys and real servers behind them, on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from laneway.mesh.bootstrap import bootstrap
from laneway.mesh.control_plane import ControlPlane
from laneway.mesh.envoy import Admin, envoy_argv
from laneway.mesh.translator import Translator
from laneway.mesh.world import Inbound, Pod, Proxy, Sidecar

LOOPBACK = "127.0.0.1"
DEADLINE_SECONDS = 20


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


async def eventually(holds: Callable[[], object], seconds: float = DEADLINE_SECONDS) -> None:
    """Wait until something holds. Raises TimeoutError after a deadline."""
    async with asyncio.timeout(seconds):
        while True:
            if holds():
                return
            await asyncio.sleep(0.002)


class Caller:
    """A client with one connection that stays open, as an application's to its sidecar."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, host: str, path: str = "/", **headers: str) -> tuple[int, str]:
        """Status and body. Header names are written with `_` for `-`."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._address)
        reader, writer = self._streams
        lines = [f"GET {path} HTTP/1.1", f"host: {host}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "\r\n"]).encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = head.partition("content-length:")[2].partition("\r\n")[0]
        return int(head.split(" ", 2)[1]), (await reader.readexactly(int(length or 0))).decode()

    async def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].close()


class Backend:
    """A server that answers every request with its own name and `status`; `/slow` after a while."""

    SLOW_SECONDS = 0.3

    def __init__(self, name: str, labels: Mapping[str, str], address: str = LOOPBACK) -> None:
        self.name = name
        self.address = address
        self.labels = labels
        self.port = 0
        self.busy = 0
        self.status = 200
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self.address, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._connections:
            task.cancel()

    def pod(self, ready: bool = True) -> Pod:
        """As a pod of namespace shop whose container port is 8080."""
        return Pod("shop", self.name, self.labels, LOOPBACK, {8080: self.port}, {"http": 8080}, ready)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.busy += 1
                if head.startswith(b"GET /slow"):
                    await asyncio.sleep(self.SLOW_SECONDS)
                self.busy -= 1
                body = self.name.encode()
                head = b"HTTP/1.1 %d told\r\ncontent-length: %d\r\n\r\n" % (self.status, len(body))
                writer.write(head + body)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()
        finally:
            self._connections.discard(task)


class RunningProxy:
    """An Envoy process."""

    def __init__(self, proxy: Proxy, admin: Path) -> None:
        self.proxy = proxy
        self.admin = Admin(admin)
        self.process: asyncio.subprocess.Process

    async def start(self, file: Path) -> None:
        """Start it from its bootstrap file."""
        log = (file.parent / f"{file.stem}.log").open("wb")
        with log:
            self.process = await asyncio.create_subprocess_exec(*envoy_argv(file), stdout=log, stderr=log)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.process.pid, number)

    async def kill(self) -> None:
        """End it at once."""
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


class RunningMesh:
    """All of it; ends every process when it is left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.xds = folder / "xds.sock"
        self.plane = ControlPlane(Translator(access_log=None))
        self.proxies: dict[str, RunningProxy] = {}
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self.plane.start(self.xds)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for proxy in self.proxies.values():
            await proxy.kill()
        await self.plane.stop()
        await self._exit.aclose()

    async def restart_plane(self) -> None:
        """A new control plane that knows nothing, at the same socket."""
        await self.plane.stop()
        self.plane = ControlPlane(Translator(access_log=None))
        await self.plane.start(self.xds)

    async def backend(self, name: str, **labels: str) -> Backend:
        """A server that runs until the mesh is left."""
        return await self._exit.enter_async_context(Backend(name, labels))

    async def caller(self, proxy: RunningProxy) -> Caller:
        """A client of a sidecar."""
        assert isinstance(proxy.proxy, Sidecar)
        caller = Caller(proxy.proxy.outbound)
        self._exit.push_async_callback(caller.close)
        return caller

    def expect(self) -> None:
        """Let the control plane expect all proxies."""
        self.plane.set_proxies([running.proxy for running in self.proxies.values()])

    async def sidecar(self, name: str = "page", **change: Any) -> RunningProxy:
        """A sidecar that is expected and started, with nothing published yet. change: of its bootstrap."""
        inbound = Inbound(8080, (LOOPBACK, free_port()), (LOOPBACK, free_port()))
        return await self.start(
            Sidecar(f"shop/{name}", "shop", {"app": name}, (LOOPBACK, free_port()), (inbound,)), **change
        )

    async def start(self, proxy: Proxy, **change: Any) -> RunningProxy:
        """A proxy that is expected and started, with nothing published yet. change: of its bootstrap."""
        number = len(self.proxies)
        running = RunningProxy(proxy, self.folder / f"{number}.sock")
        self.proxies[proxy.id] = running
        self.expect()
        file = self.folder / f"{number}.json"
        file.write_text(json.dumps(bootstrap(proxy, self.xds, self.folder / f"{number}.sock") | change))
        await running.start(file)
        return running

    async def publish(self) -> int:
        """Publish, and wait until it is confirmed."""
        generation = self.plane.publish()
        await eventually(lambda: self.plane.confirmed_generation() >= generation)
        return generation
