"""A server whose answers a test gives, and what a release asks of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from laneway.analysis.configuration import Configuration, Metric
from laneway.plan.result import Asked, Comparison
from laneway.spec.meta import Key
from laneway.spec.metric_source import PrometheusSource, WebSource

RELEASE = Key("shop", "pharmacy-1")
START = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def later(seconds: float) -> datetime:
    """So long after the release began."""
    return START + timedelta(seconds=seconds)


@dataclass
class Answers:
    """What is answered, by the last word of what is asked; asked: the paths, and queries, so far.

    A word without an answer is answered with 404, and one with None never.
    """

    url: str = ""
    of: dict[str, tuple[int, Any] | None] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@asynccontextmanager
async def answering(
    word_of: Callable[[str, str], str] = lambda path, body: path.split("?")[0].rpartition("/")[2],
) -> AsyncIterator[Answers]:
    """word_of: a path and a body → the word by which its answer is known."""
    answers = Answers()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next((line for line in head.lower().split("\r\n") if "content-length" in line), ":0")
            body = (await reader.readexactly(int(length.partition(":")[2]))).decode()
            path = head.split(" ")[1]
            answers.asked.append(path if not body else parse_qs(body)["query"][0])
            found = answers.of.get(word_of(path, answers.asked[-1]), (404, {}))
            if found is None:
                await reader.read()  # until who asked goes
                return
            status, document = found
            content = document if isinstance(document, bytes) else json.dumps(document).encode()
            headers = f"content-length: {len(content)}\r\nconnection: close\r\n\r\n"
            writer.write(f"HTTP/1.1 {status} Fine\r\n{headers}".encode() + content)
            await writer.drain()
        except asyncio.IncompleteReadError:
            pass  # who asked has gone
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    answers.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield answers
    finally:
        server.close()


def compared(*asked: Asked, terms: Configuration | None = None, **more: Any) -> Comparison:
    """The release, judged by these metrics."""
    found = terms or Configuration(tuple(Metric(each.metric, source="its URL") for each in asked))
    return Comparison(RELEASE, START, found, asked=asked, **more)


def web(url: str, metric: str = "declined", **more: Any) -> Asked:
    """A URL that ends with the version."""
    canary, stable = (WebSource(url=f"{url}/{version}", **more) for version in ("new", "old"))
    return Asked(metric, canary, stable)


def prometheus(url: str | None, metric: str = "declined", **queries: str) -> Asked:
    """Queries with the version."""
    canary, stable = (
        PrometheusSource(
            url=url, **{name: query.replace("VERSION", version) for name, query in queries.items()}
        )
        for version in ("new", "old")
    )
    return Asked(metric, canary, stable)


async def eventually(holds: Callable[[], Any]) -> None:
    """Wait until it holds; a failure after five seconds."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.01)
