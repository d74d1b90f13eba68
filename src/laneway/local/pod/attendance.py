"""One run of an application, attended: its hook, its start, then whether it is ready and whether it lives.

Owns the order: postStart, then the startup probe, which holds the others off. Must not know what becomes of
the answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol

from laneway.local.pod import asking
from laneway.local.pod.asking import Opened
from laneway.local.pod.pods import Pod
from laneway.local.pod.probes import (
    Answer,
    Place,
    Program,
    Question,
    ReadinessState,
    StartupState,
    Target,
    deed,
    question,
)
from laneway.spec.kubernetes import LifecycleHandler, Probe


class Attended(Protocol):
    """Who is told what the application answers."""

    def starting(self, detail: str) -> None:
        """It is not through its start yet."""

    def started_up(self) -> None:
        """Its start is behind it."""

    def answered(self, answer: Answer) -> ReadinessState:
        """It answered its readiness probe; what that makes of it."""

    def failed(self, why: str, grace: timedelta) -> None:
        """It is to be ended, within this grace, and started again."""


class Attendance:
    """Asks one pod's application. run: a program in the application's place; opened: as in `asking.ask`."""

    def __init__(
        self, pod: Pod, run: Callable[[Program], Awaitable[Answer]], opened: Opened, told: Attended
    ) -> None:
        self._pod = pod
        self._place = Place(pod.app_address, pod.ports, pod.port_names)
        self._run = run
        self._opened = opened
        self._told = told

    async def attend(self, readiness: ReadinessState, *, fresh: bool, started: bool) -> None:
        """Until cancelled, or until the application has failed.

        fresh: its process has just been started; started: its start was behind it when it was adopted.
        """
        if fresh and not await self._post_start():
            return
        if not started and not await self._startup():
            return
        self._told.started_up()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._readiness(readiness))
            if self._pod.container.liveness_probe is not None:
                group.create_task(self._liveness(self._pod.container.liveness_probe, fresh))

    async def pre_stop(self, limit: timedelta) -> Answer:
        """What its hook does before it is told to end, cut off at the limit."""
        hook = self._pod.container.lifecycle.pre_stop
        return Answer(True, "") if hook is None else await self._do(hook, limit)

    async def _post_start(self) -> bool:
        hook = self._pod.container.lifecycle.post_start
        if hook is None:
            return True
        self._told.starting("its postStart hook runs")
        answer = await self._do(hook, self._pod.grace)
        if not answer.ok:
            self._told.failed(f"postStart: {answer.detail}", self._pod.grace)
        return answer.ok

    async def _startup(self) -> bool:
        probe = self._pod.container.startup_probe
        if probe is None:
            return True
        state = StartupState(probe)
        await asyncio.sleep(probe.initial_delay_seconds)
        while True:
            answer = await self._answer(question(probe, self._place))
            state = state.after(answer)
            if state.passed:
                return True
            if state.failed:
                self._told.failed(f"startupProbe: {answer.detail}", self._grace(probe))
                return False
            self._told.starting(f"startupProbe: {answer.detail}")
            await asyncio.sleep(state.delay.total_seconds())

    async def _readiness(self, readiness: ReadinessState) -> None:
        asked = question(self._pod.container.readiness_probe, self._place)
        if isinstance(asked, Answer):
            self._told.answered(asked)
            return
        if not readiness.proven:
            await asyncio.sleep(readiness.probe.initial_delay_seconds)
        while True:
            readiness = self._told.answered(await self._answer(asked))
            await asyncio.sleep(readiness.delay.total_seconds())

    async def _liveness(self, probe: Probe, fresh: bool) -> None:
        if (
            fresh
        ):  # after a period at least: one failure may be enough, and nobody listens in the first instant
            await asyncio.sleep(max(probe.initial_delay_seconds, probe.period_seconds))
        state = ReadinessState(probe, ready=True, proven=True)
        while state.ready:
            answer = await self._answer(question(probe, self._place))
            state = state.after(answer)
            if state.ready:
                await asyncio.sleep(state.delay.total_seconds())
        self._told.failed(f"livenessProbe: {state.detail}", self._grace(probe))

    def _grace(self, probe: Probe) -> timedelta:
        own = probe.termination_grace_period_seconds
        return self._pod.grace if own is None else timedelta(seconds=own)

    async def _do(self, hook: LifecycleHandler, limit: timedelta) -> Answer:
        what = deed(hook, self._place, limit)
        if isinstance(what, timedelta):
            return await asking.pause(min(what, limit))
        return await self._answer(what)

    async def _answer(self, asked: Question | Answer) -> Answer:
        match asked:
            case Target():
                return await asking.ask(asked, self._opened)
            case Program():
                return await self._run(asked)
            case Answer():
                return asked
