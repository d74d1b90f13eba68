"""Keeps one process running: starts it, and again with backoff when it ends. Must not know what it is."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol

from laneway.local.container.references import CannotStartError
from laneway.local.pod.backoff import Backoff
from laneway.local.pod.condition import Ended
from laneway.local.pod.pods import Trouble
from laneway.local.process.markers import Part
from laneway.local.process.processes import Process, StuckError

log = logging.getLogger(__name__)


class Owner(Protocol):
    """Who is told what becomes of a part."""

    def started(self, part: Part, process: Process) -> None:
        """It runs, from now on or since before it was adopted."""

    def ended(self, end: Ended) -> None:
        """It does not run."""


class Keeper:
    """Keeps what `launch` starts running. launch: raises OSError or CannotStartError."""

    def __init__(
        self, part: Part, launch: Callable[[], Awaitable[Process]], owner: Owner, now: Callable[[], datetime]
    ) -> None:
        self.process: Process | None = None
        self._part = part
        self._launch = launch
        self._owner = owner
        self._now = now
        self._ready_since: datetime | None = None
        self._because = ""

    def adopt(self, process: Process) -> None:
        """Take over a process that already runs, before `keep`."""
        self.process = process

    def ready(self, ready: bool) -> None:
        """What its process is at the moment; a run that was ready for a minute clears the backoff."""
        if not ready:
            self._ready_since = None
        elif self._ready_since is None:
            self._ready_since = self._now()

    async def keep(self) -> None:
        """Until cancelled, which leaves the process running."""
        backoff = Backoff()
        while True:
            why, trouble = await self._run()
            backoff = backoff.after(self._ready_for())
            self._ready_since = None
            self._owner.ended(Ended(self._part, why, backoff.delay, trouble))
            await self._clear()
            await asyncio.sleep(backoff.delay.total_seconds())

    async def restart(self, why: str, grace: timedelta) -> None:
        """End the process, so that `keep` starts it again. why: told as its end. Raises StuckError."""
        if self.process is not None:
            self._because = why
            await self.process.stop(grace)

    async def stop(self, grace: timedelta) -> None:
        """End the process for good, after `keep` was cancelled. Raises StuckError."""
        if self.process is not None:
            await self.process.stop(grace)
            self.process = None

    def forget(self) -> None:
        """Let the process run on without us."""
        if self.process is not None:
            self.process.forget()

    async def _run(self) -> tuple[str, Trouble]:
        """One run to its end: why it ended, in words and as a word."""
        if self.process is None:
            try:
                self.process = await self._launch()
            except CannotStartError as error:
                return str(error), error.trouble
            except OSError as error:
                return f"{error.filename}: {error.strerror}", Trouble.CANNOT_START
        self._owner.started(self._part, self.process)
        why = how_ended(await self.process.wait())
        trouble = Trouble.UNHEALTHY if self._because else Trouble.CRASHED
        why, self._because = self._because or why, ""
        return why, trouble

    async def _clear(self) -> None:
        """End what the process has left, after its end was told: until then its peers send it requests."""
        if self.process is not None:
            try:
                await self.process.end_session()
            except StuckError as error:
                log.error("processes of %s do not end: %s", self._part, error)
            self.process = None

    def _ready_for(self) -> timedelta:
        return timedelta() if self._ready_since is None else self._now() - self._ready_since


def how_ended(status: int | None) -> str:
    """An exit status in words. Negative: the signal's number; None: of a process that was not our child."""
    if status is None:
        return "ended"
    return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"exited with status {status}"
