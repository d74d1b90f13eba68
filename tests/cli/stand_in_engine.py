"""A stand-in for the daemon's engine: keeps what is applied, says what it is told, records what it is asked.

It decides nothing, starts nothing, and has no mesh. The real one is tested in `tests/acceptance`.

    python -m tests.cli.stand_in_engine STATE

serves it as a daemon does: on the state's socket, holding the state. `status.json` in the state tells it what
to say; `asked.jsonl` records what it was asked.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import anyio

from laneway import __version__
from laneway.api.engine import ConflictError, EventQuery, MissingError, Part, RefusedError
from laneway.api.selection import PodQuery
from laneway.control.status import (
    Change,
    Changes,
    Event,
    Explanation,
    Json,
    LogLine,
    Ping,
    PodUsage,
    Reference,
    ReleaseStatus,
    Status,
)
from laneway.local.server.api_server import serve
from laneway.local.state import State
from laneway.spec.meta import Key
from laneway.spec.release import Verb

LOOK_SECONDS = 0.01
REFUSED = "refused"
"""An object of this name is refused."""
SILENT = "silent"
"""A pod of this name has written nothing."""


class StandInEngine:
    """Implements `laneway.api.engine.Engine` without a mesh."""

    def __init__(self, state: State) -> None:
        self.stored: dict[tuple[str, str, str], Json] = {}
        self.ending = anyio.Event()
        self._state = state
        self._told = state.path / "status.json"
        self._asked = state.path / "asked.jsonl"

    async def ping(self) -> Ping:
        return Ping(
            version=__version__,
            pid=os.getpid(),
            state=str(self._state.path),
            id=self._state.id,
            startedAt="now",
        )

    async def apply(self, objects: Sequence[Json], by: str, reason: str) -> Changes:
        if any(body["metadata"]["name"] == REFUSED for body in objects):
            problem = {"code": "LW401", "severity": "error", "text": "it is refused", "remedy": "rename it"}
            raise RefusedError([problem | {"file": "App shop/refused", "line": 0, "column": 0}])  # type: ignore[list-item]
        self._note("apply", objects=objects, by=by, reason=reason)
        changes = [self._change(body) for body in objects]
        return Changes(version=self._status()["observed"] + self._lag(), objects=changes)

    def _lag(self) -> int:
        """How many passes the controller needs to take a change up: `lag` in the status it is told."""
        return int(json.loads(self._told.read_text()).get("lag", 0))

    def _change(self, body: Json) -> Change:
        named = (body["kind"], body["metadata"]["namespace"], body["metadata"]["name"])
        before = self.stored.get(named)
        self.stored[named] = body
        operation = "created" if before is None else "unchanged" if before == body else "configured"
        return Change(kind=named[0], namespace=named[1], name=named[2], operation=operation)  # type: ignore[typeddict-item]

    async def delete(self, objects: Sequence[Reference], by: str, reason: str) -> Changes:
        self._note("delete", objects=objects, by=by, reason=reason)
        gone = [each for each in objects if (each["kind"], each["namespace"], each["name"]) in self.stored]
        for each in gone:
            del self.stored[each["kind"], each["namespace"], each["name"]]
        deleted = [Change(**each, operation="deleted") for each in gone]
        return Changes(version=self._status()["observed"], objects=deleted)

    async def objects(self, kind: str, namespace: str | None, name: str | None) -> list[Json]:
        def asked(body: Json) -> bool:
            metadata = body["metadata"]
            same = kind in ("*", body["kind"]) and namespace in (None, metadata["namespace"])
            return same and name in (None, metadata["name"])

        return [body for body in self.stored.values() if asked(body)]

    async def status(self) -> Status:
        return self._status()

    async def changed(self, since: int) -> int:
        while (version := self._status()["version"]) <= since:  # noqa: ASYNC110 - a file gives no event
            await anyio.sleep(LOOK_SECONDS)
        return version

    async def request(self, app: Key, verb: Verb, by: str, reason: str) -> ReleaseStatus:
        running = [release for release in self._status()["releases"] if release["finishedAt"] is None]
        if app.name != "pharmacy":
            raise MissingError(f"there is no App {app}")
        if not running:
            raise ConflictError(f"no release of {app} is running; the last one is Promoted")
        self._note("request", app=str(app), verb=verb, by=by, reason=reason)
        return running[-1]

    async def explain(
        self, url: str, method: str, headers: Sequence[tuple[str, str]], source: Key | None
    ) -> Explanation:
        self._note("explain", url=url, method=method, headers=list(headers), source=str(source))
        why = {"name": "green", "matched": False, "why": "header x-lane is absent"}
        rule = {"name": "default", "matched": True, "why": "the rule has no condition"}
        target = {"host": "pharmacy", "subset": "r-r1", "weight": 100, "ready": ["pharmacy-1"]}
        hop = {
            "at": "ingress gateway",
            "source": "VirtualService shop/shop",
            "rules": [why, rule],
            "effects": ["fault: 10 % wait 1s"],
            "targets": [target],
        }
        return Explanation(hops=[hop], outcome="it reaches pharmacy", status=None)  # type: ignore[list-item]

    async def usage(self, namespace: str | None) -> list[PodUsage]:
        self._note("usage", namespace=namespace)
        named = {
            "namespace": "shop",
            "deployment": "pharmacy-r1",
            "app": "pharmacy",
            "lane": "",
            "revision": "r1",
        }
        one = {"cpu": 0.25, "memory": 50 * 2**20, "requestsPerSecond": 12.5}
        unknown = {"cpu": None, "memory": 2**20, "requestsPerSecond": None}
        return [PodUsage(**(named | {"name": name} | use)) for name, use in (("a", one), ("b", unknown))]  # type: ignore[typeddict-item]

    async def history(self, query: EventQuery) -> list[Event]:
        self._note("history", **asdict(query) | {"since": query.since.isoformat() if query.since else None})
        event = Event(
            id=7,
            at="2026-01-01T00:00:00+00:00",
            kind="App",
            namespace="shop",
            name="pharmacy",
            change="created",
            reason="laneway up",
            message="",
            by="ada",
            app="pharmacy",
            lane="",
            revision="",
        )
        return [event]

    async def restart(self, which: PodQuery, by: str, reason: str) -> list[str]:
        self._note("restart", which=asdict(which), by=by, reason=reason)
        return ["pharmacy-1"]

    async def logs(self, which: PodQuery, part: Part, tail: int, follow: bool) -> AsyncIterator[LogLine]:
        self._note("logs", which=asdict(which), part=part)
        if (which.app or which.deployment) != "pharmacy":
            raise MissingError(f"there is no App {which.namespace}/{which.app or which.deployment}")
        return self._lines(0 if which.pod == SILENT else tail, follow)

    async def _lines(self, tail: int, follow: bool) -> AsyncIterator[LogLine]:
        for number in range(tail):
            yield LogLine(pod="pharmacy-1", line=f"line {number}")
        if follow:
            await anyio.sleep_forever()

    async def shutdown(self) -> None:
        self.ending.set()

    def _status(self) -> Status:
        told: Status = json.loads(self._told.read_text())
        return told

    def _note(self, what: str, **details: Any) -> None:
        with self._asked.open("a") as file:
            file.write(json.dumps({"asked": what, **details}) + "\n")


async def run(state: State) -> None:
    """Serve until told to end by the API or SIGTERM."""
    engine = StandInEngine(state)
    async with anyio.create_task_group() as tasks:
        await tasks.start(serve, engine, state.api)
        tasks.start_soon(_until_signal, engine)
        await engine.ending.wait()
        tasks.cancel_scope.cancel()


async def _until_signal(engine: StandInEngine) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM) as signals:
        async for _ in signals:
            engine.ending.set()


if __name__ == "__main__":
    place = State.at(Path(sys.argv[1]))
    with place.held():
        anyio.run(run, place)
