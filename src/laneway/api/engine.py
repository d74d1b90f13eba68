"""What an engine can do for its clients, and the errors that it answers with: the API without a transport.

Types only. Must not know HTTP, nor which engine does what is asked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

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
from laneway.spec.meta import Key
from laneway.spec.release import Verb

Part = Literal["app", "sidecar"]
"""Of a pod, whose lines are meant."""


class RefusedError(Exception):
    """What was applied is wrong; nothing was applied. problems: all of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem["text"] for problem in problems))
        self.problems = list(problems)


class MissingError(Exception):
    """No such object. The message says what there is instead."""


class ConflictError(Exception):
    """The object is not in a state that allows this. The message says in which it is."""


class NotOfferedError(Exception):
    """This engine, or what it runs on, does not do this. remedy: what to use instead."""

    def __init__(self, text: str, remedy: str) -> None:
        super().__init__(text)
        self.remedy = remedy


class Engine(Protocol):
    """What an engine can do. Documents: `laneway.control.status`; objects: JSON dicts as in YAML."""

    async def ping(self) -> Ping:
        """Who answers; answered while everything else is still starting."""

    async def apply(self, objects: Sequence[Json], by: str, reason: str) -> Changes:
        """Merge the objects into the spec, check all of it, store them as one. Raises RefusedError."""

    async def delete(self, objects: Sequence[Reference], by: str, reason: str) -> Changes:
        """Delete the objects that there are. Raises RefusedError where the rest of the spec needs one."""

    async def objects(self, kind: str, namespace: str | None, name: str | None) -> list[Json]:
        """Stored and derived objects of a kind (`Pod` too; `*`: every kind), by namespace and name."""

    async def status(self) -> Status:
        """Everything at this moment."""

    async def changed(self, since: int) -> int:
        """Return the status's version as soon as it is greater than `since`."""

    async def request(self, app: Key, verb: Verb, by: str, reason: str) -> ReleaseStatus:
        """Write a person's word on the app's running release. Raises MissingError, ConflictError."""

    async def explain(
        self, url: str, method: str, headers: Sequence[tuple[str, str]], source: Key | None
    ) -> Explanation:
        """Walk the rules for a request that enters at the ingress, or leaves a pod of app `source`.

        Raises MissingError where there is no such app.
        """

    async def usage(self, namespace: str | None) -> list[PodUsage]:
        """What the pods use, of one namespace or of all; it takes a second."""

    async def history(self, query: EventQuery) -> list[Event]:
        """The newest events that meet the query, oldest first."""

    async def logs(self, which: PodQuery, part: Part, tail: int, follow: bool) -> AsyncIterator[LogLine]:
        """The last `tail` lines that a part of each of these pods wrote; with `follow` those to come.

        Raises MissingError where an app or lane is named that there is not.
        """

    async def restart(self, which: PodQuery, by: str, reason: str) -> list[str]:
        """Replace these pods, new ones before old ones. Returns their names.

        Raises MissingError where there is no such pod.
        """

    async def shutdown(self) -> None:
        """Begin to stop replicas and proxies, then end the daemon; the state stays. Returns at once.

        An engine that is not of one machine has nothing to end.
        """


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Conditions that all hold for an event; `None` holds for every one. limit: the newest so many.

    since: that moment included; after: only those with a greater id.
    """

    namespace: str | None = None
    app: str | None = None
    lane: str | None = None
    kind: str | None = None
    name: str | None = None
    since: datetime | None = None
    after: int = 0
    limit: int = 100
