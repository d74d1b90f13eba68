"""A real Prometheus: with a past that a test writes, or one that reads real proxies.

Owns its start and end, and how a past is written. Must not know what is asked of it.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import yaml
from tests.lab import cache
from tests.lab.program import Program


@dataclass(frozen=True, slots=True)
class Series:
    """readings: the counter's value by the second after the test's first moment at which it was read."""

    name: str
    labels: Mapping[str, str]
    readings: Mapping[float, int]


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens at."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def write_past(folder: Path, start: datetime, series: Iterable[Series]) -> None:
    """Let a Prometheus that is started in this folder have read these."""
    text = "".join(
        f"{each.name}{{{_labels(each.labels)}}} {value} {start.timestamp() + second:.3f}\n"
        for each in series
        for second, value in each.readings.items()
    )
    if not text:
        return
    (folder / "past").write_text(text + "# EOF\n")
    tool = cache.prometheus().with_name("promtool")
    arguments = ["tsdb", "create-blocks-from", "openmetrics", str(folder / "past"), str(folder / "data")]
    subprocess.run([tool, *arguments], check=True, capture_output=True)


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{value}"' for name, value in labels.items())


@asynccontextmanager
async def running(folder: Path, jobs: Iterable[Mapping[str, Any]] = (), port: int = 0) -> AsyncIterator[str]:
    """The URL of a Prometheus that reads these jobs. port: 0 for any."""
    port = port or free_port()
    (folder / "prometheus.yml").write_text(yaml.safe_dump({"scrape_configs": list(jobs)}))
    command = [
        str(cache.prometheus()),
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--web.console.templates={folder}",
        f"--web.console.libraries={folder}",
    ]
    program = Program("prometheus", command, folder)
    url = f"http://127.0.0.1:{port}"

    async def ready() -> bool:
        async with httpx2.AsyncClient() as client:
            try:
                return (await client.get(f"{url}/-/ready")).is_success
            except httpx2.TransportError:
                return False

    await program.start()
    try:
        await program.ready(ready)
        yield url
    finally:
        await program.stop()
