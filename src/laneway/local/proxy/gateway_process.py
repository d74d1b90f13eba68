"""A gateway's Envoy: adopted where it still runs, started again when it ends. Must not know what for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from laneway.local.container.containers import Command
from laneway.local.logs import log_file
from laneway.local.pod.condition import Ended
from laneway.local.pod.keeper import Keeper
from laneway.local.process.markers import Identity, Marker, Part
from laneway.local.process.processes import Process, adopt, clean_environment, spawn
from laneway.local.state import State

log = logging.getLogger(__name__)


class GatewayProcess:
    """One gateway. Cancelling `run` lets it run on."""

    def __init__(
        self, state: State, marker: Marker, command: Callable[[], Command], now: Callable[[], datetime]
    ) -> None:
        """command: how to run it, asked anew for each start."""
        self._state = state
        self._marker = marker
        self._command = command
        self._keeper = Keeper(Part.GATEWAY, self._launch, self, now)

    async def run(self, running: Identity | None) -> None:
        """Keep it running until cancelled. running: one that an earlier daemon left."""
        if running and (process := adopt(running)):
            self._keeper.adopt(process)
        try:
            await self._keeper.keep()
        finally:
            self._keeper.forget()

    def started(self, part: Part, process: Process) -> None:
        """It runs."""
        log.info("gateway %s runs as process %d", self._marker.pod, process.identity.pid)

    def ended(self, end: Ended) -> None:
        """It does not."""
        again = end.again_in.total_seconds()
        log.warning("%s: %s; next attempt after %g s", self._marker.pod, end, again)

    async def _launch(self) -> Process:
        command = self._command()
        env = clean_environment() | dict(command.env) | self._marker.environment()
        file = log_file(self._state.logs, self._marker.pod, Part.GATEWAY)
        return await spawn(command.argv, env, command.cwd or self._state.path, file)
