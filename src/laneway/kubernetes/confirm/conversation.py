"""A witness on its stream: what it is shown is acknowledged, and what is wanted subscribed to.

Must not know what is concluded from it, nor how long streams live.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

from laneway.kubernetes.confirm.ads import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES, Stream
from laneway.kubernetes.confirm.witness import Witness


class Conversation:
    """Of a sidecar's witness, or of a gateway's, which is shown routes only."""

    def __init__(self, stream: Stream, witness: Witness, changed: Callable[[], None], gateway: bool) -> None:
        self.witness = witness
        self._stream = stream
        self._changed = changed
        self._types = (LISTENERS,) if gateway else (CLUSTERS, LISTENERS)
        self._subscribed: dict[str, frozenset[str]] = {ROUTES: frozenset(), ENDPOINTS: frozenset()}
        self._clusters: frozenset[str] = frozenset()
        self._stale = asyncio.Event()

    def count_endpoints(self, clusters: frozenset[str]) -> None:
        """Be shown the endpoints of these clusters."""
        if clusters != self._clusters:
            self._clusters = clusters
            self._stale.set()

    async def run(self) -> None:
        """Until the stream ends or fails: raises grpc.aio.AioRpcError and EndedError, alone or in a group."""
        try:
            for type_url in self._types:
                await self._stream.send(type_url)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen())
                group.create_task(self._keep_subscribed())
        finally:
            self._stream.close()

    async def _listen(self) -> None:
        while True:
            response = await self._stream.receive()
            if self.witness.heard(response, monotonic()):
                self._changed()
            await self._stream.send(response.type_url, nonce=response.nonce)
            if response.type_url == LISTENERS:
                self._stale.set()

    async def _keep_subscribed(self) -> None:
        while True:
            await self._subscribe(ROUTES, self.witness.route_names)
            await self._subscribe(ENDPOINTS, self._clusters)
            self.witness.forget_endpoints(self._clusters)
            await self._stale.wait()
            self._stale.clear()

    async def _subscribe(self, type_url: str, names: frozenset[str]) -> None:
        before = self._subscribed[type_url]
        self._subscribed[type_url] = names
        if names != before:
            await self._stream.send(type_url, sorted(names - before), sorted(before - names))
