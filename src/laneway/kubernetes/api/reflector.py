"""All objects of a kind, kept as they are in the cluster: listed once, watched ever after.

Owns that nothing is missed: after any gap everything is read anew, and what is no longer there is told as
deleted. Must not know what the objects are for.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import aclosing, suppress
from typing import Generic, Protocol, TypeVar

from laneway.kubernetes.api.backoff import backoff
from laneway.kubernetes.api.errors import ApiError, Unreachable
from laneway.kubernetes.api.server import Server, selectors
from laneway.kubernetes.api.watch import IDLE_SECONDS_MAX, Event, watch
from laneway.spec.meta import Key

FIRST_SECONDS = 0.2
LONGEST_SECONDS = 10.0
MISSING_SECONDS_MAX = 30.0
WATCH_SECONDS = (300, 600)
"""A watch ends after a time between these, so that watches spread over API servers that come and go."""
AT_ONCE_SECONDS = 1.0


class Kept(Protocol):
    """What is kept of an object."""

    @property
    def key(self) -> Key:
        """Its namespace and name."""


T = TypeVar("T", bound=Kept)
Changed = Callable[[Key, T | None, T | None], None]


class Reflector(Generic[T]):
    """Made in a running event loop.

    objects: by key, as last told. missing: the cluster has no such kind, yet or any more. trouble: why
    nothing is heard at the moment. last_heard: on the event loop's clock.
    """

    def __init__(
        self,
        server: Server,
        kind: str,
        decode: Callable[[bytes], T],
        changed: Changed[T],
        *,
        namespace: str | None = None,
        labels: str | None = None,
        fields: str | None = None,
        idle_seconds: float = IDLE_SECONDS_MAX,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """decode: what to keep of an object. idle_seconds: a watch that is silent for longer is begun anew.

        changed: told key, before and now, where what is kept differs; None for not there. One that was
        deleted and made again in a gap is told as one change: their uids differ. jitter: gives numbers of
        [0, 1).
        """
        self.objects: dict[Key, T] = {}
        self.missing = False
        self.trouble: Exception | None = None
        self.last_heard = -float("inf")
        self._server = server
        self._kind = kind
        self._decode = decode
        self._changed = changed
        self._namespace = namespace
        self._selectors = selectors(labels, fields)
        self._labels, self._fields = labels, fields
        self._idle_seconds = idle_seconds
        self._jitter = jitter
        self._version: str | None = None  # None: everything is to be read anew
        self._given_up = False  # a version, and no watch has told anything for long enough since
        self._streams_lists = True
        self._failures = 0
        self._synced = asyncio.Event()
        self._hurry = asyncio.Event()
        self._time = asyncio.get_running_loop().time

    async def synced(self) -> None:
        """Return when all objects have been told once; at once where that has been."""
        await self._synced.wait()

    def retry_now(self) -> None:
        """Wait no longer after a failure: something has changed that may have ended it."""
        self._hurry.set()

    async def run(self) -> None:
        """Follow the cluster until cancelled."""
        while True:
            self._hurry.clear()
            try:
                await self._follow()
            except (ApiError, Unreachable) as error:
                await self._rest(self._delay(error))

    async def _follow(self) -> None:
        """One watch from its start to its end; before it the list, where that is not part of the watch."""
        if self._version is None and not self._streams_lists:
            await self._list()
        began = self._time()
        listing: set[Key] | None = set() if self._version is None else None
        heard = watch(self._server, self._kind, self._namespace, self._query(), self._idle_seconds)
        async with aclosing(heard):
            async for events in heard:
                self.last_heard = self._time()
                if self.last_heard - began > AT_ONCE_SECONDS:
                    self._given_up = False
                for event in events:
                    listing = self._take(event, listing)
        if listing is not None or self._time() - began < AT_ONCE_SECONDS:
            raise Unreachable("the watch ended before it told anything")

    def _query(self) -> dict[str, str]:
        shortest, longest = WATCH_SECONDS
        seconds = int(shortest + (longest - shortest) * self._jitter())
        query = self._selectors | {"allowWatchBookmarks": "true", "timeoutSeconds": str(seconds)}
        if self._version is not None:
            return query | {"resourceVersion": self._version}
        return query | {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}

    def _take(self, event: Event, listing: set[Key] | None) -> set[Key] | None:
        """One event. listing: what has been told of the list so far; None when it is complete."""
        if event.content is not None:
            key = self._told(event.content, event.deleted)
            if listing is not None:
                listing.add(key)
        elif listing is not None and event.complete:
            self._only(listing)
            listing = None
        if listing is None:
            self._heard(event.version)
        return listing

    def _told(self, content: bytes, deleted: bool) -> Key:
        now = self._decode(content)
        self._set(now.key, None if deleted else now)
        return now.key

    def _set(self, key: Key, now: T | None) -> None:
        before = self.objects.get(key)
        if before == now:
            return
        if now is None:
            del self.objects[key]
        else:
            self.objects[key] = now
        self._changed(key, before, now)

    def _only(self, keys: set[Key]) -> None:
        """Everything has been told: what was not is not there any more."""
        for key in [key for key in self.objects if key not in keys]:
            self._set(key, None)

    def _heard(self, version: str) -> None:
        self._version = version
        self._failures = 0
        self.trouble = None
        self.missing = False
        self._synced.set()

    async def _list(self) -> None:
        items, version = await self._server.list(self._kind, self._namespace, self._labels, self._fields)
        self.last_heard = self._time()
        self._only({self._told(item, deleted=False) for item in items})
        self._heard(version)

    def _delay(self, error: ApiError | Unreachable) -> float:
        """Seconds until the next attempt; what the error says about us is noted."""
        if isinstance(error, ApiError):
            if error.gone and self._version is not None and not self._given_up:
                self._version, self._given_up = None, True
                return 0.0
            if error.gone:
                self._version = None
            elif error.missing:
                self._lost()
            elif self._version is None and self._streams_lists and error.status in (400, 422):
                self._streams_lists = False  # too old an API server, or one without the WatchList feature
                return 0.0
        self.trouble = error
        self._failures += 1
        longest = MISSING_SECONDS_MAX if self.missing else LONGEST_SECONDS
        asked = (error.retry_after or 0.0) if isinstance(error, ApiError) else 0.0
        return max(backoff(self._failures, FIRST_SECONDS, longest, self._jitter()), min(asked, longest))

    def _lost(self) -> None:
        """There is no such kind: that is all there is to know, until there is."""
        self._version = None
        self.missing = True
        self._only(set())
        self._synced.set()

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
