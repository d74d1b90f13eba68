"""One istiod: connected to, watched by witnesses, asked about its proxies while something is awaited.

Everything known of it comes through one connection, hence from one process: versions of another process at
the same address cannot be compared. Must not know what is awaited, nor what is concluded.
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
from laneway.kubernetes.confirm.ads import EndedError, Stream
from laneway.kubernetes.confirm.conversation import Conversation
from laneway.kubernetes.confirm.decide import View
from laneway.kubernetes.confirm.pace import Pace
from laneway.kubernetes.confirm.questions import Questions, RefusedError
from laneway.kubernetes.confirm.search import Search
from laneway.kubernetes.confirm.syncz import Snapshot
from laneway.kubernetes.confirm.wanted import Selector
from laneway.kubernetes.confirm.witness import Witness
from laneway.spec.meta import Key

RETRY_SECONDS = 0.1
RETRY_SECONDS_MAX = 5.0
FIRST_ANSWER_SECONDS = 10.0

_FAILURES = (grpc.aio.AioRpcError, EndedError, DecodeError, OSError, ValueError)
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
        self._link: _Link | None = None

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
            shown, reason = await self._connect()
            if shown:
                # Connections end as istiod likes; only one that cannot be had again is trouble.
                wait = RETRY_SECONDS
            elif reason != self.trouble:
                log.warning("istiod %s cannot be asked: %s", self.address, reason)
                self.trouble = reason
            self._changed()
            await asyncio.sleep(wait)
            wait = min(wait * 2, RETRY_SECONDS_MAX)

    async def _connect(self) -> tuple[bool, str]:
        """Stay connected as long as it goes. Whether it served something, and why it ended."""
        shown, reason, channel = False, "", None
        try:
            channel = self._access.channel(self.address)
            self._link = _Link(self._access, channel, self._heard)
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


class _Link:
    """What goes through one connection."""

    def __init__(self, access: Access, channel: Any, changed: Callable[[], None]) -> None:
        self.asked = asyncio.Event()
        self.hurried = asyncio.Event()
        self._access = access
        self._channel = channel
        self._changed = changed
        self._mesh = self._conversation("sidecar", access.labels)
        self._gateways: dict[Selector, Conversation] = {}
        self._running: dict[Selector, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._questions = Questions(lambda: self._stream("sidecar", access.labels))
        self.search = Search(Questions(lambda: self._stream("sidecar", access.labels)), changed)
        self._snapshot: Snapshot | None = None
        self._mute = False

    @property
    def shown(self) -> bool:
        return self._mesh.witness.shown

    def view(self, address: str) -> View:
        return View(
            address=address,
            mesh=self._mesh.witness.served,
            gateways={one: talk.witness.served for one, talk in self._gateways.items()},
            clusters=self._mesh.witness.clusters,
            endpoints=self._mesh.witness.endpoints,
            snapshot=self._snapshot,
            hidden=self.search.found,
            mute=self._mute,
        )

    def follow(self, selectors: frozenset[Selector], clusters: frozenset[str]) -> None:
        self._mesh.count_endpoints(clusters)
        for gone in self._gateways.keys() - selectors:
            del self._gateways[gone]
            if task := self._running.pop(gone, None):
                task.cancel()
        for new in selectors - self._gateways.keys():
            self._gateways[new] = self._conversation("router", dict(new))
            self._start(new)

    async def run(self) -> None:
        """Until something fails: raises it."""
        try:
            async with asyncio.TaskGroup() as self._group:
                self._group.create_task(self._mesh.run())
                self._group.create_task(self._first_answer())
                self._group.create_task(self._answer())
                self._group.create_task(self.search.run())
                for one in self._gateways:
                    self._start(one)
        finally:
            self._group = None
            self._questions.close()

    def _start(self, one: Selector) -> None:
        if self._group:
            self._running[one] = self._group.create_task(self._gateways[one].run())

    async def _first_answer(self) -> None:
        await asyncio.sleep(FIRST_ANSWER_SECONDS)
        if not self.shown:
            raise EndedError("it does not answer")

    async def _answer(self) -> None:
        pace = Pace()
        while not self._mute:
            await self.asked.wait()
            self.asked.clear()
            if self.hurried.is_set():
                pace.restart()
                self.hurried.clear()
            started = monotonic()
            await self._ask()
            self._changed()
            await _first(self.hurried, pace.wait(monotonic() - started))

    async def _ask(self) -> None:
        try:
            self._snapshot = await self._questions.snapshot()
        except RefusedError as refusal:
            log.warning("istiod tells nothing of its proxies: %s", refusal)
            self._mute = True

    def _conversation(self, kind: str, labels: Any) -> Conversation:
        stream = self._stream(kind, labels)
        return Conversation(stream, Witness(), self._changed, gateway=kind == "router")

    def _stream(self, kind: str, labels: Any) -> Stream:
        return Stream(self._channel, self._access.metadata(), self._access.node(kind, labels))


async def _first(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, at most so long."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass


def _reason(failures: BaseExceptionGroup[Any]) -> str:
    first = failures.exceptions[0]
    if isinstance(first, BaseExceptionGroup):
        return _reason(first)
    if isinstance(first, grpc.aio.AioRpcError):
        return str(first.details() or first.code().name)
    return str(first) or type(first).__name__
