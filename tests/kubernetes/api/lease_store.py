"""A stand-in for the API server that keeps one Lease: versions, conflicts, a watch, failures on demand.

What it must do as the real one does is proven by the tests that use the real one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from itertools import count
from typing import Any

import orjson

from laneway.kubernetes.api.errors import ApiError, Unreachable
from laneway.kubernetes.api.server import Body
from laneway.spec.meta import Key


class LeaseStore:
    """What all candidates share."""

    def __init__(self) -> None:
        self.lease: Body | None = None
        self._versions = count(1)
        self._changed = asyncio.Condition()

    @property
    def spec(self) -> Body:
        """Of the Lease, which is there."""
        assert self.lease is not None
        spec: Body = self.lease["spec"]
        return spec

    async def set(self, lease: Body | None) -> Body:
        """Let the Lease be so, as a new version."""
        self.lease = deepcopy(lease)
        if self.lease is not None:
            self.lease["metadata"]["resourceVersion"] = str(next(self._versions))
        async with self._changed:
            self._changed.notify_all()
        return deepcopy(self.lease or {})

    async def next_change(self) -> None:
        """Return after the next one."""
        async with self._changed:
            await self._changed.wait()


class Connection:
    """How a candidate reaches the store. cut: nothing arrives; deaf: what arrives is done, not answered."""

    def __init__(self, store: LeaseStore) -> None:
        self.store = store
        self.cut = False
        self.deaf = False
        self.refusal: ApiError | None = None
        self.writes = 0

    async def get(self, kind: str, key: Key) -> Body | None:
        """As Server.get."""
        await self._arrive()
        return deepcopy(self.store.lease)

    async def create(self, body: Body) -> Body:
        """As Server.create."""
        await self._arrive()
        self.writes += 1
        if self.store.lease is not None:
            raise ApiError(409, "AlreadyExists", "it exists")
        return await self._answered(await self.store.set(body))

    async def patch(self, kind: str, key: Key, patch: Mapping[str, Any]) -> Body:
        """As Server.patch, with a version in it."""
        await self._arrive()
        self.writes += 1
        if self.refusal is not None:
            raise self.refusal
        lease = self.store.lease
        if lease is None:
            raise ApiError(404, "NotFound", "there is none")
        if patch["metadata"]["resourceVersion"] != lease["metadata"]["resourceVersion"]:
            raise ApiError(409, "Conflict", "it has changed")
        changed = {**lease, "spec": {**lease["spec"], **patch["spec"]}}
        return await self._answered(await self.store.set(changed))

    @asynccontextmanager
    async def watch(
        self, kind: str, namespace: str | None, query: Mapping[str, str], idle_seconds: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """As Server.watch."""
        await self._arrive()
        yield self._lines()

    async def _lines(self) -> AsyncIterator[bytes]:
        bookmark = {
            "metadata": {"resourceVersion": "1", "annotations": {"k8s.io/initial-events-end": "true"}},
        }
        if self.store.lease is not None:
            yield _line("ADDED", self.store.lease)
        yield _line("BOOKMARK", bookmark)
        while True:
            before = self.store.lease
            await self.store.next_change()
            if self.cut:
                raise Unreachable("cut off")
            if self.store.lease is not None:
                yield _line("MODIFIED", self.store.lease)
            elif before is not None:
                yield _line("DELETED", before)

    async def _arrive(self) -> None:
        await asyncio.sleep(0.01)
        if self.cut:
            raise Unreachable("cut off")

    async def _answered(self, body: Body) -> Body:
        if self.deaf:
            raise Unreachable("no answer")
        return body


def _line(kind: str, body: Body) -> bytes:
    return orjson.dumps({"type": kind, "object": {"kind": "Lease", "apiVersion": "v1", **body}}) + b"\n"
