"""Kinds of objects as they are now: each is listed and watched over one stream, again whenever it breaks off.

Must not know what is done about a change.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
from tests.lab.api import Object

from laneway.spec.meta import Key

_PAUSE_SECONDS = 0.3
_AWAY = (aiohttp.ClientError, OSError, json.JSONDecodeError)
"""The API server is away, or does not know the kind yet."""

_INITIAL_END = "k8s.io/initial-events-end"

Changed = Callable[[Key, Object | None], None]
"""Called with an object as it is now; None where it is gone."""


class Watching:
    """One kind of all namespaces. path: as `/api/v1/pods`; running: until it is cancelled."""

    def __init__(self, server: str, authority: Path, token: str, path: str, changed: Changed) -> None:
        self.objects: dict[Key, Object] = {}
        self.known = asyncio.Event()
        """Set when everything that there was at first is known."""
        self._server = server
        self._tls = ssl.create_default_context(cafile=str(authority))
        self._headers = {"Authorization": f"Bearer {token}"}
        self._path = path
        self._changed = changed

    async def run(self) -> None:
        """Keep the objects true."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        connector = aiohttp.TCPConnector(ssl=self._tls)
        async with aiohttp.ClientSession(
            self._server, headers=self._headers, timeout=timeout, connector=connector
        ) as session:
            while True:
                with suppress(*_AWAY):
                    await self._follow(session)
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _follow(self, session: aiohttp.ClientSession) -> None:
        query = {
            "watch": "1",
            "sendInitialEvents": "true",
            "resourceVersionMatch": "NotOlderThan",
            "allowWatchBookmarks": "true",
        }
        seen: set[Key] | None = set()
        async with session.get(self._path, params=query, raise_for_status=True) as answer:
            async for event in _events(answer.content):
                kind, body = event["type"], event["object"]
                if kind == "ERROR":
                    return
                if kind == "BOOKMARK":
                    if seen is not None and _is_initial_end(body):
                        self._forget_others(seen)
                        seen = None
                        self.known.set()
                    continue
                if seen is not None:
                    seen.add(_key(body))
                self._take(kind, body)

    def _take(self, kind: str, body: Object) -> None:
        key = _key(body)
        if kind == "DELETED":
            self.objects.pop(key, None)
            self._changed(key, None)
        else:
            self.objects[key] = body
            self._changed(key, body)

    def _forget_others(self, seen: set[Key]) -> None:
        for key in self.objects.keys() - seen:
            del self.objects[key]
            self._changed(key, None)


async def _events(stream: aiohttp.StreamReader) -> AsyncIterator[Mapping[str, Any]]:
    """Lines of any length."""
    held = b""
    async for chunk in stream.iter_any():
        *lines, held = (held + chunk).split(b"\n")
        for line in lines:
            if line:
                yield json.loads(line)


def _key(body: Object) -> Key:
    return Key(body["metadata"].get("namespace", ""), body["metadata"]["name"])


def _is_initial_end(body: Object) -> bool:
    return bool(body["metadata"].get("annotations", {}).get(_INITIAL_END) == "true")
