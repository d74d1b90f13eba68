"""The control API on a real Unix socket, over an engine that only records: routes, errors, and its end."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import anyio
import anyio.lowlevel
import httpx2
import pytest
from anyio.abc import TaskStatus

from laneway.api.engine import ConflictError, EventQuery, MissingError, Part, RefusedError
from laneway.api.selection import PodQuery
from laneway.control.status import (
    Changes,
    Event,
    Explanation,
    Json,
    LogLine,
    Ping,
    PodUsage,
    Problem,
    Reference,
    ReleaseStatus,
    Status,
)
from laneway.local.server.api_server import serve
from laneway.spec.meta import Key
from laneway.spec.release import Verb

PROBLEM: Problem = {
    "code": "LW401",
    "severity": "error",
    "text": "two writers",
    "remedy": "keep one",
    "file": "App shop/page",
    "line": 0,
    "column": 0,
}
SHOP = Key("shop", "pharmacy")


def _plain(value: object) -> Any:
    """A query as its fields, a time as text."""
    return str(value) if isinstance(value, datetime) else asdict(value)  # type: ignore[call-overload]


class RecordingEngine:
    """Implements `Engine`: returns what it was called with, or raises what it is told to."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.version = 7
        self.moved = anyio.Event()
        self.cancelled = anyio.Event()
        self.ended = False

    def _called(self, *arguments: Any) -> Any:
        if self.error is not None:
            raise self.error
        return {"called": json.loads(json.dumps(arguments, default=_plain))}

    async def ping(self) -> Ping:
        return cast("Ping", self._called())

    async def apply(self, objects: Sequence[Json], by: str, reason: str) -> Changes:
        return cast("Changes", self._called(objects, by, reason))

    async def delete(self, objects: Sequence[Reference], by: str, reason: str) -> Changes:
        return cast("Changes", self._called(objects, by, reason))

    async def objects(self, kind: str, namespace: str | None, name: str | None) -> list[Json]:
        return [self._called(kind, namespace, name)]

    async def status(self) -> Status:
        return cast("Status", self._called())

    async def changed(self, since: int) -> int:
        while self.version <= since:
            try:
                await self.moved.wait()
            except anyio.get_cancelled_exc_class():
                self.cancelled.set()
                raise
        return self.version

    async def request(self, app: Key, verb: Verb, by: str, reason: str) -> ReleaseStatus:
        return cast("ReleaseStatus", self._called(app, verb, by, reason))

    async def explain(
        self, url: str, method: str, headers: Sequence[tuple[str, str]], source: Key | None
    ) -> Explanation:
        return cast("Explanation", self._called(url, method, headers, source))

    async def usage(self, namespace: str | None) -> list[PodUsage]:
        return [cast("PodUsage", self._called(namespace))]

    async def history(self, query: EventQuery) -> list[Event]:
        return [cast("Event", self._called(query))]

    async def restart(self, which: PodQuery, by: str, reason: str) -> list[str]:
        return [cast("str", self._called(which, by, reason))]

    async def logs(self, which: PodQuery, part: Part, tail: int, follow: bool) -> AsyncIterator[LogLine]:
        self._called()
        return self._lines(which, tail, follow)

    async def _lines(self, which: PodQuery, tail: int, follow: bool) -> AsyncIterator[LogLine]:
        for number in range(tail):
            yield LogLine(pod=which.app, line=f"line {number}")
        if follow:
            await anyio.sleep_forever()

    async def shutdown(self) -> None:
        self.ended = True


@pytest.fixture
def engine() -> RecordingEngine:
    return RecordingEngine()


@asynccontextmanager
async def serving(engine: RecordingEngine, path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the API while it is served."""
    transport = httpx2.AsyncHTTPTransport(uds=str(path))
    async with anyio.create_task_group() as tasks:
        await tasks.start(serve, engine, path)
        async with httpx2.AsyncClient(transport=transport, base_url="http://laneway") as client:
            yield client
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("method", "path", "body", "called"),
    [
        ("GET", "/v1/ping", None, []),
        ("GET", "/v1/status", None, []),
        ("POST", "/v1/apply", {"objects": [{"kind": "App"}], "by": "ada"}, [[{"kind": "App"}], "ada", ""]),
        (
            "POST",
            "/v1/delete",
            {"objects": [{"kind": "Lane", "namespace": "shop", "name": "green"}], "reason": "done"},
            [[{"kind": "Lane", "namespace": "shop", "name": "green"}], "", "done"],
        ),
        (
            "POST",
            "/v1/request",
            {"namespace": "shop", "app": "pharmacy", "verb": "abort", "by": "ada", "reason": "prices"},
            [["shop", "pharmacy"], "abort", "ada", "prices"],
        ),
        ("POST", "/v1/explain", {"url": "http://a/"}, ["http://a/", "GET", [], None]),
        (
            "POST",
            "/v1/explain",
            {"url": "http://a/", "headers": [["x-lane", "green"]], "namespace": "shop", "app": "pharmacy"},
            ["http://a/", "GET", [["x-lane", "green"]], ["shop", "pharmacy"]],
        ),
    ],
)
async def test_a_route_calls_the_engine(
    engine: RecordingEngine, tmp_path: Path, method: str, path: str, body: Any, called: list[Any]
) -> None:
    """With the values of the body, and defaults for those that it leaves out."""
    async with serving(engine, tmp_path / "api.sock") as client:
        answer = await client.request(method, path, json=body)
    assert answer.status_code == 200
    assert answer.json() == {"called": called}


@pytest.mark.parametrize(
    ("path", "called"),
    [
        ("/v1/objects?kind=App", ["App", None, None]),
        ("/v1/objects?kind=Pod&namespace=shop&name=a", ["Pod", "shop", "a"]),
        ("/v1/history", [_plain(EventQuery())]),
        (
            "/v1/history?namespace=shop&app=pharmacy&limit=5&since=2026-01-01T00:00:00Z",
            [
                _plain(EventQuery(namespace="shop", app="pharmacy", limit=5))
                | {"since": str(datetime(2026, 1, 1, tzinfo=UTC))}
            ],
        ),
    ],
)
async def test_a_list_is_asked_for_by_its_query(
    engine: RecordingEngine, tmp_path: Path, path: str, called: list[Any]
) -> None:
    """And answered as `items`."""
    async with serving(engine, tmp_path / "api.sock") as client:
        assert (await client.get(path)).json() == {"items": [{"called": called}]}


@pytest.mark.parametrize(
    ("error", "status", "problems"),
    [
        (RefusedError([PROBLEM]), 422, [PROBLEM]),
        (MissingError("there is no App"), 404, []),
        (ConflictError("no release runs"), 409, []),
    ],
)
async def test_an_engines_error_has_a_status_and_its_text(
    engine: RecordingEngine, tmp_path: Path, error: Exception, status: int, problems: list[Problem]
) -> None:
    """And all problems, where objects were refused."""
    engine.error = error
    async with serving(engine, tmp_path / "api.sock") as client:
        for answer in (
            await client.post("/v1/apply", json={"objects": []}),
            await client.get("/v1/logs?namespace=shop&app=pharmacy"),
        ):
            assert answer.status_code == status
            assert answer.json() == {"error": str(error), "problems": problems}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/apply", {}),
        ("/v1/apply", {"objects": [1]}),
        ("/v1/apply", {"objects": [], "force": True}),
        ("/v1/request", {"namespace": "shop", "app": "pharmacy", "verb": "applaud"}),
    ],
)
async def test_a_malformed_body_is_refused(
    engine: RecordingEngine, tmp_path: Path, path: str, body: Any
) -> None:
    """Before the engine hears of it; fields that nobody knows too."""
    async with serving(engine, tmp_path / "api.sock") as client:
        answer = await client.post(path, json=body)
    assert answer.status_code == 400
    assert "malformed request" in answer.json()["error"]


@pytest.mark.parametrize("query", ["since=x", "", "since=1&seconds=0", "since=1&seconds=3600"])
async def test_a_malformed_query_is_refused(engine: RecordingEngine, tmp_path: Path, query: str) -> None:
    """A poll is open for a minute at most."""
    async with serving(engine, tmp_path / "api.sock") as client:
        assert (await client.get(f"/v1/changed?{query}")).status_code == 400


async def test_a_poll_answers_at_once_where_there_is_news(engine: RecordingEngine, tmp_path: Path) -> None:
    """The version tells how far the reader is behind."""
    async with serving(engine, tmp_path / "api.sock") as client:
        assert (await client.get("/v1/changed?since=6")).json() == {"version": 7}


async def test_a_poll_answers_when_something_changes(engine: RecordingEngine, tmp_path: Path) -> None:
    """And not before."""
    async with serving(engine, tmp_path / "api.sock") as client, anyio.create_task_group() as tasks:
        answers: list[Any] = []

        async def poll() -> None:
            answers.append((await client.get("/v1/changed?since=7")).json())

        tasks.start_soon(poll)
        await client.get("/v1/ping")
        assert answers == []
        engine.version = 8
        engine.moved.set()
    assert answers == [{"version": 8}]


async def test_a_poll_without_news_ends_with_the_version_it_had(
    engine: RecordingEngine, tmp_path: Path
) -> None:
    """And the engine waits for it no longer."""
    async with serving(engine, tmp_path / "api.sock") as client:
        assert (await client.get("/v1/changed?since=7&seconds=0.05")).json() == {"version": 7}
        await engine.cancelled.wait()


async def test_logs_are_json_lines(engine: RecordingEngine, tmp_path: Path) -> None:
    """Those to come stand in the same answer."""
    path = "/v1/logs?namespace=shop&app=pharmacy&tail=2&follow=true"
    async with serving(engine, tmp_path / "api.sock") as client, client.stream("GET", path) as answer:
        lines = answer.aiter_lines()
        assert json.loads(await anext(lines)) == {"pod": "pharmacy", "line": "line 0"}
        assert json.loads(await anext(lines)) == {"pod": "pharmacy", "line": "line 1"}


async def test_shutdown_is_accepted_and_left_to_the_daemon(engine: RecordingEngine, tmp_path: Path) -> None:
    """The answer does not wait for the end."""
    async with serving(engine, tmp_path / "api.sock") as client:
        assert (await client.post("/v1/shutdown")).status_code == 202
    assert engine.ended


async def test_only_the_owner_can_open_the_socket(engine: RecordingEngine, tmp_path: Path) -> None:
    """Whoever can, can run commands."""
    async with serving(engine, tmp_path / "api.sock"):
        mode = (tmp_path / "api.sock").stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600


async def test_a_killed_daemons_socket_is_replaced_and_none_is_left(
    engine: RecordingEngine, tmp_path: Path
) -> None:
    """The caller holds the state, so nobody else serves there."""
    os.mknod(tmp_path / "api.sock", 0o600 | stat.S_IFREG)
    async with serving(engine, tmp_path / "api.sock") as client:
        assert (await client.get("/v1/ping")).status_code == 200
    assert not await anyio.Path(tmp_path / "api.sock").exists()


async def test_serving_ends_in_time_although_somebody_follows_logs(
    engine: RecordingEngine, tmp_path: Path
) -> None:
    """An answer that never ends keeps no daemon alive."""
    path, scope, ended = (
        "/v1/logs?namespace=shop&app=pharmacy&tail=1&follow=true",
        anyio.CancelScope(),
        anyio.Event(),
    )

    async def serving_in_scope(*, task_status: TaskStatus[None]) -> None:
        with scope:
            await serve(engine, tmp_path / "api.sock", task_status=task_status)
        ended.set()

    transport = httpx2.AsyncHTTPTransport(uds=str(tmp_path / "api.sock"))
    async with anyio.create_task_group() as tasks:
        await tasks.start(serving_in_scope)
        async with (
            httpx2.AsyncClient(transport=transport, base_url="http://laneway") as client,
            client.stream("GET", path) as answer,
        ):
            lines = answer.aiter_lines()
            await anext(lines)
            scope.cancel()
            with anyio.fail_after(5):
                await ended.wait()
