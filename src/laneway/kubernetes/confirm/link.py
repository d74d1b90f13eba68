"""What goes through one connection to an istiod: witnesses, questions, a search where rules do not show.

Everything known of an istiod comes through one connection, hence from one process: versions of another
process at the same address cannot be compared. Must not know what is awaited, nor when a connection is made.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

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

FIRST_ANSWER_SECONDS = 10.0

log = logging.getLogger(__name__)


class Link:
    """Of one channel.

    asked: a snapshot of the proxies is wanted; hurried: now, and more in short succession.
    """

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
        self._questions = self._asking()
        self.search = Search(self._asking(), changed)
        self._snapshot: Snapshot | None = None
        self._mute = False

    @property
    def shown(self) -> bool:
        """The process has shown what it serves."""
        return self._mesh.witness.shown

    def view(self, address: str) -> View:
        """What is known, of an istiod at this address."""
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
        """Watch routes as gateways with these labels are served them, and endpoints of these clusters."""
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

    def _asking(self) -> Questions:
        return Questions(lambda: self._stream("sidecar", self._access.labels))

    def _conversation(self, kind: str, labels: Mapping[str, str]) -> Conversation:
        stream = self._stream(kind, labels)
        return Conversation(stream, Witness(), self._changed, gateway=kind == "router")

    def _stream(self, kind: str, labels: Mapping[str, str]) -> Stream:
        return Stream(self._channel, self._access.metadata(), self._access.node(kind, labels))


async def _first(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, at most so long."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
