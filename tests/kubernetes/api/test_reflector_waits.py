"""How often an API server is asked again, and from where: one that follows a script, on a virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any, cast

import orjson
import pytest
from tests.kubernetes.api.virtual_time import now, settled, virtual_time

from laneway.kubernetes.api.errors import ApiError, Unreachable
from laneway.kubernetes.api.reflector import Reflector
from laneway.kubernetes.api.seen import Seen, seen
from laneway.kubernetes.api.server import Listed, Server
from laneway.kubernetes.api.watch import INITIAL_EVENTS_END
from laneway.spec.meta import Key

Step = bytes | float | Exception
"""A line that comes, seconds of silence, or how it ends."""


class Scripted:
    """Each watch follows the next part of the script; after the last, watches stay silent."""

    def __init__(self, *watches: list[Step]) -> None:
        self._watches = list(watches)
        self.asked: list[tuple[float, Mapping[str, str]]] = []
        self.listed: Listed | Exception = ([], "1")
        self._began = now()

    @property
    def times(self) -> list[float]:
        """When it was asked for a watch."""
        return [round(when, 3) for when, _ in self.asked]

    @property
    def versions(self) -> list[str | None]:
        """From which version it was asked to go on."""
        return [query.get("resourceVersion") for _, query in self.asked]

    @asynccontextmanager
    async def watch(
        self, kind: str, namespace: str | None, query: Mapping[str, str], idle_seconds: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """As Server.watch."""
        self.asked.append((now() - self._began, query))
        steps: list[Step] = self._watches.pop(0) if self._watches else [1e9]
        if steps and isinstance(steps[0], Exception):
            raise steps[0]
        yield _played(steps)

    async def list(self, *_: object) -> Listed:
        """As Server.list."""
        if isinstance(self.listed, Exception):
            raise self.listed
        return self.listed


async def _played(steps: list[Step]) -> AsyncIterator[bytes]:
    for step in steps:
        if isinstance(step, Exception):
            raise step
        if isinstance(step, bytes):
            yield step
        else:
            await asyncio.sleep(step)


def pod(name: str, version: int, event: str = "ADDED") -> bytes:
    """A line."""
    return _line(event, _body(name, version))


def complete(version: int) -> bytes:
    """The end of the list."""
    metadata = {"resourceVersion": str(version), "annotations": {INITIAL_EVENTS_END: "true"}}
    return _line("BOOKMARK", {"metadata": metadata})


def bookmark(version: int) -> bytes:
    """What comes every minute."""
    return _line("BOOKMARK", {"metadata": {"resourceVersion": str(version)}})


def too_old() -> bytes:
    """How a watch ends that is asked to go on from a version which is not known any more."""
    return _line("ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"})


def _body(name: str, version: int) -> dict[str, Any]:
    return {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name, "resourceVersion": str(version)}}


def _line(event: str, body: dict[str, Any]) -> bytes:
    return orjson.dumps({"type": event, "object": body}) + b"\n"


class Followed:
    """A reflector on a scripted server, and what it has told."""

    def __init__(self, server: Scripted) -> None:
        self.told: list[tuple[str, str | None, str | None]] = []
        stand_in = cast(Server, server)
        self.reflector: Reflector[Seen] = Reflector(stand_in, "Pod", seen, self._changed, jitter=lambda: 0.0)
        self._task = asyncio.create_task(self.reflector.run())

    def _changed(self, key: Key, before: Seen | None, after: Seen | None) -> None:
        versions = [each.resource_version if each else None for each in (before, after)]
        self.told.append((key.name, versions[0], versions[1]))

    @property
    def names(self) -> list[str]:
        """Of all objects."""
        return sorted(key.name for key in self.reflector.objects)

    async def end(self) -> None:
        """Stop it; it must not have stopped by itself."""
        assert not self._task.done()
        self._task.cancel()
        await asyncio.wait({self._task})


@virtual_time
async def test_a_watch_goes_on_from_the_last_version_that_was_heard() -> None:
    """That of the last event or bookmark; an end that the API server announced is no failure."""
    first: list[Step] = [pod("a", 3), complete(5), pod("a", 7, "MODIFIED"), bookmark(20), 400.0]
    server = Scripted(first)
    followed = Followed(server)
    await asyncio.sleep(500)
    assert server.versions == [None, "20"]
    assert server.times == [0, 400]
    assert followed.reflector.trouble is None
    assert followed.told == [("a", None, "3"), ("a", "3", "7")]
    await followed.end()


@virtual_time
async def test_an_api_server_that_is_away_is_asked_less_and_less_often() -> None:
    """At last every ten seconds; what was seen stays, and once it answers the waits begin anew."""
    away: list[Step] = [Unreachable("refused")]
    server = Scripted([pod("a", 3), complete(5), 60.0, Unreachable("cut")], *[away] * 9)
    followed = Followed(server)
    await asyncio.sleep(75)
    assert followed.names == ["a"]
    assert str(followed.reflector.trouble) == "refused"
    await asyncio.sleep(100)
    waits = [round(after - before, 3) for before, after in pairwise(server.times[1:])]
    assert waits == [0.4, 0.8, 1.6, 3.2, 6.4, 10, 10, 10, 10]
    assert set(server.versions[1:]) == {"5"}
    await followed.end()


@virtual_time
async def test_a_version_that_is_too_old_is_given_up_at_once() -> None:
    """Everything is read anew; what is not told any more is told as deleted, what is the same is not told."""
    again: list[Step] = [pod("same", 2), pod("new", 30), complete(31)]
    server = Scripted(
        [pod("same", 2), pod("gone", 3), complete(5), 60.0, Unreachable("cut")], [too_old()], [*again, 1e9]
    )
    followed = Followed(server)
    await asyncio.sleep(100)
    assert server.versions == [None, "5", None]
    assert server.times == [0, 60.2, 60.2]
    assert followed.told == [
        ("same", None, "2"),
        ("gone", None, "3"),
        ("new", None, "30"),
        ("gone", "3", None),
    ]
    await followed.end()


@virtual_time
async def test_versions_that_are_always_too_old_do_not_make_a_storm() -> None:
    """Reading everything anew costs the API server more than anything else that we ask."""
    stale: list[Step] = [pod("a", 2), complete(5), too_old()]
    server = Scripted(*[stale] * 5, [complete(9), 1e9])
    followed = Followed(server)
    await asyncio.sleep(60)
    assert server.times[:2] == [0, 0]
    assert server.times == [0, 0, 0.2, 0.4, 0.6, 0.8]
    await followed.end()


@virtual_time
async def test_a_list_that_is_cut_deletes_nothing() -> None:
    """Half of it says nothing about the other half."""
    server = Scripted(
        [pod("a", 2), pod("b", 3), complete(5), too_old()],
        [pod("a", 2), Unreachable("cut")],
        [pod("a", 2), complete(9), 1e9],
    )
    followed = Followed(server)
    await followed.reflector.synced()
    while len(server.asked) < 3:
        assert followed.names == ["a", "b"]
        await asyncio.sleep(0.05)
    await settled()
    assert followed.names == ["a"]
    assert server.versions == [None, None, None]
    await followed.end()


@virtual_time
async def test_nothing_is_synced_before_the_whole_list_has_come() -> None:
    """A part of it would look like the whole world."""
    server = Scripted([pod("a", 2), 30.0, pod("b", 3), complete(5), 1e9])
    followed = Followed(server)
    began = now()
    await followed.reflector.synced()
    assert now() - began == 30
    assert followed.names == ["a", "b"]
    await followed.end()


@virtual_time
async def test_a_kind_that_is_missing_is_asked_for_less_and_less_often() -> None:
    """Every half minute at last, for it may never come; at once when we are told that it may be there."""
    missing: list[Step] = [ApiError(404, "NotFound", "404 page not found")]
    server = Scripted(*[missing] * 11)
    followed = Followed(server)
    await followed.reflector.synced()
    assert followed.reflector.missing
    await asyncio.sleep(125)
    assert server.times == [0, 0.2, 0.6, 1.4, 3, 6.2, 12.6, 25.4, 51, 81, 111]
    followed.reflector.retry_now()
    await settled()
    assert server.times[-1] == 125
    await followed.end()


@virtual_time
async def test_a_kind_that_is_no_longer_defined_has_no_objects() -> None:
    """They went with it."""
    server = Scripted([pod("a", 2), complete(5), 60.0, Unreachable("cut")], [ApiError(404, "NotFound", "")])
    followed = Followed(server)
    await asyncio.sleep(60.3)
    assert followed.told[-1] == ("a", "2", None)
    assert followed.reflector.missing
    await asyncio.sleep(10)
    await followed.end()


@pytest.mark.parametrize("status", [400, 422])
def test_where_lists_are_not_streamed_they_are_asked_for(status: int) -> None:
    """At once, and never streamed again."""

    @virtual_time
    async def story() -> None:
        server = Scripted([ApiError(status, "Invalid", "sendInitialEvents")], [too_old()], [60.0], [1e9])
        server.listed = ([orjson.dumps(_body("a", 3))], "8")
        followed = Followed(server)
        await asyncio.sleep(30)
        assert followed.names == ["a"]
        assert server.versions == [None, "8", "8"]
        assert server.times == [0, 0, 0]
        assert "sendInitialEvents" not in server.asked[1][1]
        await followed.end()

    story()


@virtual_time
async def test_watches_that_end_as_soon_as_they_begin_do_not_make_a_storm() -> None:
    """Something in front of the API server may do that."""
    server = Scripted([complete(5), 60.0], *[[] for _ in range(5)])
    followed = Followed(server)
    await asyncio.sleep(100)
    assert server.times == [0, 60, 60.2, 60.6, 61.4, 63, 66.2]
    await followed.end()


@virtual_time
async def test_an_api_server_that_asks_for_time_gets_it() -> None:
    """As long as it asks for."""
    server = Scripted([ApiError(429, "TooManyRequests", "later", retry_after=7)], [complete(5), 1e9])
    followed = Followed(server)
    await followed.reflector.synced()
    assert server.times == [0, 7]
    await followed.end()


@virtual_time
async def test_a_watch_is_told_to_end_before_long() -> None:
    """So that watches spread over the API servers that there are."""
    server = Scripted([complete(5), 1e9])
    followed = Followed(server)
    await followed.reflector.synced()
    query = server.asked[0][1]
    assert 300 <= int(query["timeoutSeconds"]) <= 600
    assert query["allowWatchBookmarks"] == "true"
    await followed.end()


@virtual_time
async def test_what_cannot_be_kept_ends_the_reflector_loudly() -> None:
    """A broken invariant is no trouble that passes: whoever runs it is told."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    server = cast(Server, Scripted([pod("a", 2), complete(5), 1e9]))
    reflector: Reflector[Seen] = Reflector(server, "Pod", seen, fail)
    with pytest.raises(ZeroDivisionError):
        await reflector.run()
