"""One container's life: started, asked, started again, ended; as a kubelet does it, but with shorter pauses.

Must not know what its program is, nor where it runs.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.lab.node import status
from tests.lab.node.status import Ended

from laneway.local.container.references import CannotStartError, MissingValueError
from laneway.local.pod.backoff import Backoff
from laneway.local.pod.probes import Answer, ReadinessState, StartupState
from laneway.local.process.processes import Process
from laneway.spec.kubernetes import Probe

_LEAST_GRACE = timedelta(seconds=2)
"""Between SIGTERM and SIGKILL, however long the hook before has taken; as a kubelet's."""


@dataclass(frozen=True, slots=True)
class Check:
    """A probe, and how it is asked."""

    probe: Probe
    ask: Callable[[], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Given:
    """What a container is made of.

    launch: raises OSError or CannotStartError; again: whether a run that ended with this code is followed by
    another; before_end: what is done before SIGTERM, given the time that there is.
    """

    name: str
    image: str
    launch: Callable[[], Awaitable[Process]]
    again: Callable[[int], bool] = lambda _: True
    readiness: Check | None = None
    liveness: Check | None = None
    startup: Check | None = None
    after_start: Callable[[], Awaitable[object]] | None = None
    before_end: Callable[[timedelta], Awaitable[object]] | None = None


class Container:
    """From `begin` to `end`, or to the last run. changed: called when the state is another."""

    def __init__(self, given: Given, grace: timedelta, changed: Callable[[], None]) -> None:
        """grace: of a container that is ended because its liveness probe failed."""
        self.state = status.Container(given.name, given.image)
        self.process: Process | None = None
        self.was_ready = asyncio.Event()
        self._given = given
        self._grace = grace
        self._changed = changed
        self._ending = asyncio.Event()
        self._launching = asyncio.Lock()
        self._life: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Start it."""
        self._life = asyncio.create_task(self._live())

    async def over(self) -> None:
        """Returns when there will be no other run."""
        if self._life is not None:
            await asyncio.shield(self._life)

    async def end(self, grace: timedelta) -> None:
        """Hook, SIGTERM, and when the grace is over SIGKILL; a grace of 0 is SIGKILL at once."""
        self._ending.set()
        async with self._launching:
            process = self.process
        if process is not None and process.running:
            await self._finish(process, grace)
        await self.over()

    def kill(self) -> None:
        """End it at once, also where `end` is under way."""
        self._ending.set()
        if self.process is not None:
            self.process.signal(signal.SIGKILL)

    def abandon(self) -> None:
        """Look after it no longer: its process ends by other means."""
        if self._life is not None:
            self._life.cancel()
        if self.process is not None:
            self.process.forget()

    async def _live(self) -> None:
        backoff = Backoff()
        while not self._ending.is_set():
            process = await self._launch()
            ready_for = timedelta()
            if process is not None:
                ready_for = await self._attend(process)
                assert self.state.last is not None
                if self._ending.is_set() or not self._given.again(self.state.last.code):
                    break
                self._set(waiting="CrashLoopBackOff", restarts=self.state.restarts + 1)
            backoff = backoff.after(ready_for)
            with suppress(TimeoutError):
                async with asyncio.timeout(backoff.delay.total_seconds()):
                    await self._ending.wait()
        self._set(over=True)

    async def _launch(self) -> Process | None:
        """None where it could not be started, which the state then says."""
        async with self._launching:
            if self._ending.is_set():
                return None
            try:
                self.process = await self._given.launch()
            except MissingValueError as error:
                self._set(waiting="CreateContainerConfigError", message=str(error))
            except CannotStartError as error:
                self._set(waiting="ErrImagePull", message=str(error))
            except OSError as error:
                self._set(waiting="RunContainerError", message=str(error))
            else:
                self._set(running=_now(), message="")
                return self.process
            return None

    async def _attend(self, process: Process) -> timedelta:
        """Until it has ended; how long it was ready."""
        asking = asyncio.create_task(self._ask(process))
        try:
            code = await process.wait()
        finally:
            asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await process.end_session()
        began, now = self.state.running or _now(), _now()
        ready_for = now - began if self.state.ready else timedelta()
        last = Ended(code if code is not None else 137, began, now)
        self._set(running=None, ready=False, started=False, last=last)
        return ready_for

    async def _ask(self, process: Process) -> None:
        if self._given.after_start is not None:
            await self._given.after_start()
        if self._given.startup is not None and not await self._has_started(self._given.startup):
            await self._finish(process, self._grace)
            return
        self._set(started=True, ready=self._given.readiness is None)
        async with asyncio.TaskGroup() as group:
            if self._given.readiness is not None:
                group.create_task(self._follow_readiness(self._given.readiness))
            if self._given.liveness is not None:
                group.create_task(self._follow_liveness(self._given.liveness, process))

    async def _has_started(self, check: Check) -> bool:
        await _seconds(check.probe.initial_delay_seconds)
        state = StartupState(check.probe)
        while not state.passed and not state.failed:
            state = state.after(await check.ask())
            if not state.passed:
                await asyncio.sleep(state.delay.total_seconds())
        return state.passed

    async def _follow_readiness(self, check: Check) -> None:
        await _seconds(check.probe.initial_delay_seconds)
        state = ReadinessState(check.probe)
        while True:
            state = state.after(await check.ask())
            self._set(ready=state.ready)
            await asyncio.sleep(state.delay.total_seconds())

    async def _follow_liveness(self, check: Check, process: Process) -> None:
        await _seconds(check.probe.initial_delay_seconds)
        failures = 0
        while failures < check.probe.failure_threshold and not self._ending.is_set():
            failures = 0 if (await check.ask()).ok else failures + 1
            await _seconds(check.probe.period_seconds)
        if not self._ending.is_set():
            seconds = check.probe.termination_grace_period_seconds
            await self._finish(process, self._grace if seconds is None else timedelta(seconds=seconds))

    async def _finish(self, process: Process, grace: timedelta) -> None:
        if grace <= timedelta():
            await process.end_session()
            return
        loop = asyncio.get_running_loop()
        until = loop.time() + grace.total_seconds()
        if self._given.before_end is not None:
            hook = asyncio.ensure_future(self._given.before_end(grace))
            ended = asyncio.ensure_future(process.wait())
            await asyncio.wait(
                (hook, ended), timeout=grace.total_seconds(), return_when=asyncio.FIRST_COMPLETED
            )
            hook.cancel()
            ended.cancel()
            await asyncio.gather(hook, ended, return_exceptions=True)
        await process.stop(max(timedelta(seconds=until - loop.time()), min(grace, _LEAST_GRACE)))

    def _set(self, **changes: Any) -> None:
        after = replace(self.state, **changes)
        if after != self.state:
            self.state = after
            if after.ready:
                self.was_ready.set()
            self._changed()


async def _seconds(number: float) -> None:
    await asyncio.sleep(number)


def _now() -> datetime:
    return datetime.now(UTC)
