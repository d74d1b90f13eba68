"""Metrics from outside, from a real server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from laneway.autoscale.measured import NoMetricError
from laneway.local.measure.metric_url import read_metric


@contextmanager
def answering(status: int, body: bytes) -> Iterator[tuple[str, list[str]]]:
    """A server that always answers so: its URL, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/metric", asked
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("document", "thousandths"),
    [
        ({"value": 12.5}, 12_500),
        ({"value": "250m"}, 250),
        ({"items": [{"metricName": "queue", "value": "3"}, {"value": "500m"}]}, 3_500),
    ],
)
async def test_a_number_or_what_the_metrics_apis_answer(document: Any, thousandths: int) -> None:
    """A list is added up."""
    with answering(200, json.dumps(document).encode()) as (url, asked):
        assert await read_metric(f"{url}?team=a", {"metric": "queue", "labelSelector": "a=b"}) == thousandths
    assert asked == ["/metric?team=a&metric=queue&labelSelector=a%3Db"]


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (200, b'{"values": 3}', "neither"),
        (200, b'{"items": []}', "neither"),
        (200, b'{"value": -3}', "not a quantity"),
        (200, b"queue 3", "Expecting value"),
        (503, b"", "503"),
    ],
)
async def test_any_other_answer_is_no_metric(status: int, body: bytes, why: str) -> None:
    """And says why, for the conditions."""
    with answering(status, body) as (url, _), pytest.raises(NoMetricError, match=why):
        await read_metric(url, {})


async def test_where_nobody_answers_there_is_no_metric() -> None:
    """The server that was there is gone."""
    with answering(200, b"{}") as (url, _):
        pass
    with pytest.raises(NoMetricError, match="did not give the metric"):
        await read_metric(url, {})
