"""One program of the lab: started, asked until it is ready, ended with all that it started.

Owns the process and its log. Must not know what the program is.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

READY_WITHIN_S = 60.0
_PAUSE_S = 0.05
_TAIL_LINES = 15
_KEPT = ("PATH", "HOME")
"""What programs see of our own variables: inside a cluster, others would tell them of that one."""


class NotStarted(Exception):  # noqa: N818 - it is read as a sentence
    """A program ended, or did not become ready in time; the end of its log is in the message."""


@dataclass
class Program:
    """A program and, while it runs, its process. Its log is `NAME.log` in the folder that it works in."""

    name: str
    command: list[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    _process: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> Path:
        """All that it has said, of every time it was started."""
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int | None:
        """Its process, while it runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else None

    async def start(self) -> None:
        """Start it. It dies with the thread that starts it, however that ends: killed tests leave nothing."""
        dying_with_us = ["setpriv", "--pdeathsig", "KILL", "--"]
        with self.log.open("a") as log:
            self._process = await asyncio.create_subprocess_exec(
                *dying_with_us,
                *self.command,
                cwd=self.folder,
                env={name: os.environ[name] for name in _KEPT if name in os.environ} | dict(self.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def ready(self, ask: Callable[[], Awaitable[bool]], within_s: float = READY_WITHIN_S) -> None:
        """Ask it again and again until it says that it is ready.

        Raises:
            NotStarted: it has ended, or it is not ready in time.
        """
        try:
            async with asyncio.timeout(within_s):
                while not await ask():
                    if self.pid is None:
                        raise NotStarted(
                            f"{self.name} ended with {self._code()}; its log ends with\n{self._tail()}"
                        )
                    await asyncio.sleep(_PAUSE_S)
        except TimeoutError:
            text = f"{self.name} is not ready after {within_s:.0f} s; its log ends with\n{self._tail()}"
            raise NotStarted(text) from None

    async def stop(self, grace_s: float = 5.0) -> None:
        """Tell it to end; after the grace, with a grace of 0 at once, kill it and all that it has started."""
        if self._process is None:
            return
        if grace_s:
            self.send(signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), grace_s)
        self.send(signal.SIGKILL)
        await self._process.wait()
        self._process = None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it and to all that it has started; SIGSTOP makes it hang, SIGCONT go on."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _code(self) -> str:
        return "nothing" if self._process is None else f"code {self._process.returncode}"

    def _tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])
