"""How Prometheus is asked, and what of its answers is no answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.kubernetes.evidence.istio_metrics import START, answered, second
from tests.kubernetes.evidence.running_prometheus import running, write_past

from laneway.control.metrics.prometheus import NoAnswerError, Prometheus, Row, Source, rows

pytestmark = pytest.mark.anyio


@pytest.mark.cluster
async def test_a_moment_and_a_time_of_a_real_prometheus(tmp_path: Path) -> None:
    write_past(tmp_path, START, [answered({0: 1, 15: 3, 30: 6})])
    async with running(tmp_path) as url, Prometheus(Source(url + "/")) as prometheus:
        query = "sum(istio_requests_total)"
        assert await prometheus.at(query, second(16)) == [Row({}, (3.0,))]
        times = await prometheus.between(query, second(0), second(30), second(15) - second(0))
        assert times == [Row({}, (1.0, 3.0, 6.0))]
        with pytest.raises(NoAnswerError, match=r"answered 400: .*parse error"):
            await prometheus.at("sum(", second(16))


@asynccontextmanager
async def recorder() -> AsyncIterator[tuple[str, list[str]]]:
    """A server that answers with nothing found; its URL, and the heads of what it was asked."""
    heads: list[str] = []
    body = b'{"status":"success","data":{"resultType":"vector","result":[]}}'

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        length = f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        writer.write(b"HTTP/1.1 200 OK\r\n" + length.encode() + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/prefix", heads


async def test_a_token_is_read_anew_each_time(tmp_path: Path) -> None:
    token = tmp_path / "token"
    async with recorder() as (url, heads), Prometheus(Source(url, token)) as prometheus:
        for text in ("first\n", "second\n"):
            token.write_text(text)
            assert await prometheus.at("up", START) == []
    assert ["bearer first" in heads[0].lower(), "bearer second" in heads[1].lower()] == [True, True]
    assert heads[0].startswith("POST /prefix/api/v1/query ")


async def test_a_token_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    async with Prometheus(Source("http://127.0.0.1:1", tmp_path / "none")) as prometheus:
        with pytest.raises(NoAnswerError, match="No such file"):
            await prometheus.at("up", START)


@pytest.mark.parametrize(
    ("status", "content", "text"),
    [
        (502, b"<html>", "answered 502, without JSON"),
        (503, b'{"status":"error","errorType":"timeout","error":"too slow"}', "answered 503: too slow"),
        (200, b'{"status":"success","data":{"resultType":"string","result":[1,"2"]}}', "without series"),
        (200, b"[]", "without series"),
    ],
)
def test_what_is_no_answer(status: int, content: bytes, text: str) -> None:
    with pytest.raises(NoAnswerError, match=text):
        rows(status, content)
