"""What a command looks at: objects listed once, and watched from when somebody waits for a change.

Owns when anything has changed. Must not know what the objects mean.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import orjson

from laneway.kubernetes.api.errors import ApiError
from laneway.kubernetes.api.kinds import RESOURCES
from laneway.kubernetes.api.reflector import Reflector
from laneway.kubernetes.api.seen import Seen, seen
from laneway.kubernetes.api.server import Server
from laneway.spec.meta import Key

Json = dict[str, Any]
Place = tuple[str, str | None]
"""A kind, and a namespace; None for all of them, and for kinds of the whole cluster."""


class Watched:
    """Objects of some namespaces, None for all. For one event loop.

    version: grows with every change that was heard of.
    """

    def __init__(self, server: Server, namespaces: frozenset[str] | None) -> None:
        self.version = 0
        self._server = server
        self._namespaces = namespaces
        self._listed: dict[Place, dict[Key, Seen]] = {}
        self._reflectors: dict[Place, Reflector[Seen]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    def close(self) -> None:
        """Watch no longer."""
        for task in self._tasks:
            task.cancel()

    async def objects(self, kind: str, namespace: str | None = None) -> list[Json]:
        """Objects of a kind, by namespace and name: of one namespace, or of all that are looked at.

        There are none where the cluster has no such kind. Raises ApiError, Unreachable.
        """
        lists = [self._objects(place) for place in self.places(kind, namespace)]
        found = [each for of in await asyncio.gather(*lists) for each in of.values()]
        return [each.body() for each in sorted(found, key=lambda each: each.key)]

    async def changed(self, since: int) -> int:
        """The version as soon as it is greater than `since`."""
        self._watch()
        while self.version <= since:
            self._changed.clear()
            await self._changed.wait()
        return self.version

    def touch(self) -> None:
        """Something else has changed that is told with these objects."""
        self.version += 1
        self._changed.set()

    def took(self, body: Json) -> None:
        """An object as the API server answered with it: what is asked next is not older."""
        found = seen(orjson.dumps(body))
        kept = {place: reflector.objects for place, reflector in self._reflectors.items()}
        for (kind, namespace), objects in (self._listed | kept).items():
            if kind != found.kind or namespace not in (None, found.key.namespace):
                continue
            known = objects.get(found.key)
            if known is None or int(known.resource_version) < int(found.resource_version):
                objects[found.key] = found

    def places(self, kind: str, namespace: str | None) -> list[Place]:
        """Where objects of a kind are looked for."""
        if not RESOURCES[kind].namespaced:
            return [(kind, None)]
        if namespace is not None:
            return [(kind, namespace)]
        spaces: Iterable[str | None] = (None,) if self._namespaces is None else sorted(self._namespaces)
        return [(kind, each) for each in spaces]

    async def _objects(self, place: Place) -> dict[Key, Seen]:
        if place in self._reflectors:
            return self._reflectors[place].objects
        try:
            items, _ = await self._server.list(place[0], place[1])
        except ApiError as error:
            if not error.missing:
                raise
            items = []
        found = {each.key: each for each in map(seen, items)}
        self._listed[place] = found
        return found

    def _watch(self) -> None:
        """From now on, everything that was asked for so far."""
        for place, listed in self._listed.items():
            reflector: Reflector[Seen] = Reflector(
                self._server, place[0], seen, self._heard, namespace=place[1]
            )
            reflector.objects.update(listed)
            self._reflectors[place] = reflector
            self._tasks.add(asyncio.get_running_loop().create_task(reflector.run()))
        self._listed.clear()

    def _heard(self, key: Key, before: Seen | None, now: Seen | None) -> None:
        self.touch()
