"""Asks the gates of steps: runs their commands, calls their webhooks. Must not know what an answer leads to.

A run that is cut off by the daemon's end has said nothing, and is begun again; what is left of it ends then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from laneway.local.container.commands import Find, folder_of_app
from laneway.local.logs import log_file, tail
from laneway.local.process.markers import Marker, Part
from laneway.local.process.processes import Process, StuckError, clean_environment, spawn
from laneway.local.state import State
from laneway.plan.observed import GateId
from laneway.plan.result import GateRun
from laneway.spec.release import GateResult
from laneway.spec.release_policy import Webhook
from laneway.spec.values import format_duration, format_percent

COMMAND_TIMEOUT = timedelta(minutes=1)
"""What a command has where nothing is written."""

_LINES = 5
_AGAIN_SECONDS = 1.0
_AGAIN_SECONDS_MAX = 15.0

log = logging.getLogger(__name__)


class GateRuns:
    """The gates that are being asked, and what they said. For one event loop."""

    def __init__(
        self,
        state: State,
        block: int,
        find: Find,
        ingress: Callable[[], str],
        now: Callable[[], datetime],
        changed: Callable[[], None],
    ) -> None:
        """find: a stored object; ingress: URL of the gateway; changed: called when a gate has answered."""
        self._state = state
        self._block = block
        self._find = find
        self._ingress = ingress
        self._now = now
        self._changed = changed
        self._tasks: dict[GateId, asyncio.Task[None]] = {}
        self._results: dict[GateId, GateResult] = {}

    @property
    def results(self) -> Mapping[GateId, GateResult]:
        """What the gates said that are still asked for."""
        return dict(self._results)

    def set(self, runs: Iterable[GateRun]) -> None:
        """The gates that shall be asked, and no others: what is no longer asked for ends."""
        wanted = {run.id: run for run in runs}
        for known in [known for known in self._tasks if known not in wanted]:
            self._tasks.pop(known).cancel()
            self._results.pop(known, None)
        for known, run in wanted.items():
            if known not in self._tasks:
                self._tasks[known] = asyncio.create_task(self._ask(run))

    async def stop(self) -> None:
        """End all of them."""
        tasks = list(self._tasks.values())
        self.set(())
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, run: GateRun) -> None:
        gate = run.gate
        if gate.command:
            passed, evidence = await self._commanded(run)
        else:
            assert gate.webhook is not None, "a person's approval is not asked for here"
            passed, evidence = await self._called(run, gate.webhook)
        known = run.id
        self._results[known] = GateResult(
            step=known.step, gate=known.gate, passed=passed, at=self._now(), evidence=evidence
        )
        self._changed()

    async def _commanded(self, run: GateRun) -> tuple[bool, str]:
        """Whether the command, tried again as often as it may be, ended with 0."""
        tries = 1 + (run.gate.retries or 0)
        passed, evidence = False, ""
        for _ in range(tries):
            passed, evidence = await self._once(run)
            if passed:
                break
        return passed, evidence if tries == 1 or passed else f"{evidence} (the last of {tries} tries)"

    async def _once(self, run: GateRun) -> tuple[bool, str]:
        assert run.gate.command is not None, "only a command is run"
        output = log_file(self._state.logs, run.id.release, Part.GATE)
        with suppress(FileNotFoundError):
            output.unlink()
        marker = Marker(self._state.id, self._block, run.id.release, Part.GATE)
        env = clean_environment() | self._told(run) | marker.environment()
        folder = folder_of_app(run.app, self._find) or self._state.path
        try:
            process = await spawn(run.gate.command, env, folder, output)
        except OSError as error:
            return False, f"could not be started: {error}"
        limit = run.gate.timeout or COMMAND_TIMEOUT
        code = await self._end_of(process, limit)
        said = "; ".join(tail(output, _LINES))
        outcome = f"no end within {format_duration(limit)}" if code is None else f"exit code {code}"
        return code == 0, f"{outcome}: {said}" if said else outcome

    async def _end_of(self, process: Process, limit: timedelta) -> int | None:
        """Its exit code, None where it had to be ended; nothing of it is left behind."""
        code = None
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(limit.total_seconds()):
                    code = await process.wait()
        finally:
            try:
                await asyncio.shield(process.end_session())
            except StuckError as error:
                log.error("the command of a gate does not end: %s", error)
        return code

    async def _called(self, run: GateRun, webhook: Webhook) -> tuple[bool, str]:
        """What a webhook answered; it is called again until it answers, for as long as it is asked for."""
        import httpx2

        delay, body = _AGAIN_SECONDS, {name.lower(): value for name, value in self._told(run).items()}
        async with httpx2.AsyncClient(timeout=webhook.timeout.total_seconds()) as client:
            while True:
                try:
                    answer = await client.post(webhook.url, json=body)
                except httpx2.TransportError:
                    await asyncio.sleep(delay)
                    delay = min(2 * delay, _AGAIN_SECONDS_MAX)
                else:
                    text = " ".join(answer.text[:200].split())
                    said = f"answered {answer.status_code}"
                    return answer.is_success, f"{said}: {text}" if text else said

    def _told(self, run: GateRun) -> dict[str, str]:
        """What a gate is told of the release."""
        return {
            "APP": run.app.name,
            "NAMESPACE": run.app.namespace,
            "RELEASE": run.id.release.name,
            "REVISION": run.revision,
            "WEIGHT": str(format_percent(run.weight)),
            "STEP": str(run.id.step + 1),
            "INGRESS": self._ingress(),
        }
