"""Kubernetes Events: what a person sees with `kubectl describe`, few and in words.

Told beside the work: an Event that cannot be written delays nothing. Must not decide what is worth telling.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from laneway.kubernetes.api.errors import ApiError, Unreachable
from laneway.kubernetes.api.kinds import RESOURCES
from laneway.kubernetes.api.server import Server
from laneway.spec.meta import Key

WAITING_MAX = 200
"""Events that wait to be written; more are dropped: they are no record."""
AGAIN_AFTER = timedelta(minutes=10)
"""The same is told of the same object once in so long."""
KNOWN_MAX = 2_000
MESSAGE_MAX = 1_000

Importance = Literal["Normal", "Warning"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class About:
    """The object of an Event."""

    kind: str
    key: Key
    uid: str


class Events:
    """Of one controller. who: its name in what it tells."""

    def __init__(
        self, server: Server, who: str = "laneway", now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._server = server
        self._who = who
        self._now = now
        self._waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue(WAITING_MAX)
        self._told: OrderedDict[tuple[About, str, str], datetime] = OrderedDict()
        self._number = 0

    def tell(self, about: About, reason: str, message: str, importance: Importance = "Normal") -> None:
        """Tell it soon. reason: a word in CamelCase; message: a sentence."""
        now, same = self._now(), (about, reason, message)
        if same in self._told and now < self._told[same] + AGAIN_AFTER:
            return
        self._told[same] = now
        while len(self._told) > KNOWN_MAX:
            self._told.popitem(last=False)
        with suppress(asyncio.QueueFull):
            self._waiting.put_nowait(self._event(about, reason, message, importance, now))

    async def run(self) -> None:
        """Write what is told, until cancelled."""
        while True:
            event = await self._waiting.get()
            try:
                await self._server.create(event)
            except (ApiError, Unreachable) as error:
                log.info("an event was not written: %s", error)

    def _event(
        self, about: About, reason: str, message: str, importance: Importance, now: datetime
    ) -> dict[str, Any]:
        self._number += 1
        at = f"{now:%Y-%m-%dT%H:%M:%SZ}"
        namespace = about.key.namespace or "default"
        involved = {
            "apiVersion": RESOURCES[about.kind].api_version,
            "kind": about.kind,
            "namespace": about.key.namespace,
            "name": about.key.name,
            "uid": about.uid,
        }
        name = f"{about.key.name}.{int(now.timestamp() * 1000):x}.{self._number:x}"
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": involved,
            "reason": reason,
            "message": message[:MESSAGE_MAX],
            "type": importance,
            "source": {"component": self._who},
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": 1,
        }
