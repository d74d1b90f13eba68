"""History asked of a cluster: what is read for it, and the numbers by which it is followed.

Must not know what events are made of.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from laneway.api.engine import EventQuery
from laneway.control.status import Event
from laneway.kubernetes.api.server import Server
from laneway.kubernetes.service import events
from laneway.kubernetes.service.watched import Watched

Json = dict[str, Any]


class History:
    """Of one cluster. What has a number keeps it."""

    def __init__(self, server: Server, watched: Watched) -> None:
        self._server = server
        self._watched = watched
        self._numbers = events.Numbers()

    async def newest(self, query: EventQuery) -> list[Event]:
        """The newest events that meet the query, oldest first."""
        lists = await asyncio.gather(*(self._with_writers(kind, query.namespace) for kind in events.KINDS))
        objects = dict(zip(events.KINDS, lists, strict=True))
        told = await self._watched.objects("Event", query.namespace)
        numbered = self._numbers.of(events.events(objects, told))
        return events.chosen(numbered, events.subjects_of(objects), query)

    async def _with_writers(self, kind: str, namespace: str | None) -> list[Json]:
        """Objects with `managedFields`, which are not kept; they are watched, so that a change is heard."""
        await self._watched.objects(kind, namespace)
        places = self._watched.places(kind, namespace)
        lists = await asyncio.gather(*(self._server.list(*place) for place in places))
        return [orjson.loads(item) for items, _ in lists for item in items]
