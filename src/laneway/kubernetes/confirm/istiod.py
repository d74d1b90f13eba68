"""One istiod, connected to again and again: its process ends and starts, and connections do not last.

Must not know what goes through a connection, what is awaited, nor what is concluded.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from laneway.kubernetes.confirm.access import Access
from laneway.kubernetes.confirm.ads import EndedError
from laneway.kubernetes.confirm.decide import View
from laneway.kubernetes.confirm.link import Link
from laneway.kubernetes.confirm.wanted import Selector
from laneway.spec.meta import Key

RETRY_SECONDS = 0.1
RETRY_SECONDS_MAX = 5.0

_FAILURES = (grpc.aio.AioRpcError, EndedError, DecodeError, OSError)
"""What talking to an istiod can end in; a token or certificate that is not there among it."""

log = logging.getLogger(__name__)


class Istiod:
    """Connects when run, and again whenever the connection fails."""

    def __init__(self, address: str, access: Access, changed: Callable[[], None]) -> None:
        self.address = address
        self.trouble = ""
        """Why it cannot be asked; "" while it can, and while nobody knows yet."""
        self._access = access
        self._changed = changed
        self._selectors: frozenset[Selector] = frozenset()
        self._clusters: frozenset[str] = frozenset()
        self._link: Link | None = None

    def follow(self, selectors: frozenset[Selector], clusters: frozenset[str]) -> None:
        """Watch routes as gateways with these labels are served them, and endpoints of these clusters."""
        self._selectors, self._clusters = selectors, clusters
        if self._link:
            self._link.follow(selectors, clusters)

    def seek(self, sought: Mapping[str, tuple[Key, ...]]) -> None:
        """Look for these markers in what is told one of these proxies, as it is not shown to us."""
        if self._link:
            self._link.search.seek(sought)

    def ask(self) -> None:
        """Take a snapshot of its proxies, as soon as the pace allows."""
        if self._link:
            self._link.asked.set()

    def hurry(self) -> None:
        """Take a snapshot now, and more in short succession."""
        if self._link:
            self._link.hurried.set()
            self._link.asked.set()

    def view(self) -> View | None:
        """What is known; None until the connected process has shown what it serves."""
        return self._link.view(self.address) if self._link and self._link.shown else None

    async def run(self) -> None:
        """Until cancelled."""
        wait = RETRY_SECONDS
        while True:
            started = monotonic()
            shown, reason = await self._connect()
            if shown and monotonic() - started >= RETRY_SECONDS_MAX:
                # Connections end as istiod likes; only one that cannot be had again is trouble.
                wait = RETRY_SECONDS
            elif reason != self.trouble:
                log.warning("istiod %s cannot be asked: %s", self.address, reason)
                self.trouble = reason
            self._changed()
            await asyncio.sleep(wait)
            wait = min(wait * 2, RETRY_SECONDS_MAX)

    async def _connect(self) -> tuple[bool, str]:
        """Stay connected as long as it goes. Whether it showed what it serves, and why it ended."""
        shown, reason, channel = False, "", None
        try:
            channel = self._access.channel(self.address)
            self._link = Link(self._access, channel, self._heard)
            self._link.follow(self._selectors, self._clusters)
            await self._link.run()
        except* _FAILURES as failures:
            reason = _reason(failures)
        finally:
            shown, self._link = bool(self._link and self._link.shown), None
            if channel:
                await channel.close()
        return shown, reason

    def _heard(self) -> None:
        if self._link and self._link.shown:
            self.trouble = ""
        self._changed()


def _reason(failures: BaseExceptionGroup[Any]) -> str:
    first = failures.exceptions[0]
    if isinstance(first, BaseExceptionGroup):
        return _reason(first)
    if isinstance(first, grpc.aio.AioRpcError):
        return str(first.details() or first.code().name)
    return str(first) or type(first).__name__
