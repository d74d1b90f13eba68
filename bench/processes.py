"""Processes beside the measured ones: clients, a server that answers at once; and what a process takes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from laneway.mesh.envoy import envoy_argv

LOOPBACK = "127.0.0.1"
MEGABYTE_KB = 1024


class Client:
    """A process of `bench.client`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def tell(self, value: object) -> None:
        """Give it a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(value).encode() + b"\n")

    async def answer(self) -> Any:
        """Its next line."""
        assert self._process.stdout is not None
        return json.loads(await self._process.stdout.readline())

    async def ask(self, value: object) -> Any:
        """Give it a line and wait for its answer."""
        self.tell(value)
        return await self.answer()


@asynccontextmanager
async def client(mode: str) -> AsyncIterator[Client]:
    """A client that runs as long as it is needed."""
    pipe = asyncio.subprocess.PIPE
    argv = (sys.executable, "-m", "bench.client", mode)
    process = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe)
    try:
        yield Client(process)
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def server(folder: Path, bodies: Mapping[int, str]) -> AsyncIterator[None]:
    """An Envoy that answers every request on a port with that port's body."""
    file = folder / "server.json"
    listeners = [_answering(port, body) for port, body in bodies.items()]
    file.write_text(json.dumps({"static_resources": {"listeners": listeners}}))
    process = await asyncio.create_subprocess_exec(*envoy_argv(file), stderr=asyncio.subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


def _answering(port: int, body: str) -> dict[str, Any]:
    http = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    router = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
    route = {"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": body}}}
    manager = {
        "@type": f"type.googleapis.com/{http}",
        "stat_prefix": body,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [{"name": "router", "typed_config": {"@type": router}}],
    }
    return {
        "name": body,
        "address": {"socket_address": {"address": LOOPBACK, "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


def memory_mb(pid: int) -> float:
    """A process's proportional set size: its own memory, and its share of what it shares."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / MEGABYTE_KB
    raise RuntimeError(f"no PSS of process {pid}")


def resident_mb(pid: int) -> float:
    """All memory of a process, what it shares included."""
    (line,) = (each for each in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmRSS" in each)
    return int(line.split()[1]) / MEGABYTE_KB


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def available_mb() -> float:
    """Memory that this machine can still give."""
    (line,) = (each for each in Path("/proc/meminfo").read_text().splitlines() if "MemAvailable" in each)
    return int(line.split()[1]) / MEGABYTE_KB
