"""One replica: its application and its sidecar as processes, from its start to its end.

Keeps the Pod object true. Must not know why the pod is wanted, how many there are, nor what its programs are
given.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial

from sqlalchemy.exc import DBAPIError

from laneway.history.events import Event
from laneway.history.subject import event_about
from laneway.local.logs import tail, trim
from laneway.local.pod.attendance import Attendance
from laneway.local.pod.condition import Ended, adopted_condition, first_condition, in_condition
from laneway.local.pod.keeper import Keeper
from laneway.local.pod.pods import Pod, Stage, status_of
from laneway.local.pod.probes import Answer, ReadinessState
from laneway.local.pod.programs import Programs
from laneway.local.pod.surroundings import Surroundings
from laneway.local.process.markers import Part
from laneway.local.process.processes import Process, StuckError, kill_marked
from laneway.spec.values import format_duration

_SIDECAR_POLL_SECONDS = 0.025
_SIDECAR_GRACE = timedelta(seconds=5)
_TERM_GRACE_MIN = timedelta(seconds=2)
"""Left for SIGTERM where a preStop hook takes all of the grace, as in Kubernetes."""

_WRITE_AGAIN_SECONDS = 1.0
_LAST_LINES = 5
LOG_BYTES_MAX = 10 * 1024 * 1024
"""Of a part's output; as much again is kept of what came before."""

_TAKEN = re.compile(r"address (is )?already in use|EADDRINUSE", re.IGNORECASE)
"""What runtimes print where an application listens on every address: other replicas have that port."""

_STAGES = {Stage.READY: "ready", Stage.NOT_READY: "not ready", Stage.STARTING: "starting"}

log = logging.getLogger(__name__)


class Replica:
    """One pod and its processes. pod: as it is now, also where that could not be written to the store."""

    def __init__(self, pod: Pod, around: Surroundings) -> None:
        self.pod = pod
        self._around = around
        self._condition = first_condition(pod)
        self._programs = Programs(pod, around)
        self._keepers = {
            part: Keeper(part, partial(self._programs.launch, part), self, around.now) for part in pod.parts
        }
        self._leaving = asyncio.Event()
        self._ask_again = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None
        self._watches: dict[Part, asyncio.Task[None]] = {}
        self._restarting: asyncio.Task[None] | None = None
        self._adopted = False
        self._attendance = Attendance(
            pod, self._programs.run_beside, partial(around.networks.open_socket, pod), self
        )

    def adopt(self, running: Mapping[Part, Process]) -> None:
        """Take over processes that run already, before `run`."""
        for part, process in running.items():
            self._keepers[part].adopt(process)
        identities = {part: process.identity for part, process in running.items()}
        self._condition = adopted_condition(self.pod, identities)
        self._adopted = Part.APP in running
        self._refresh()

    async def run(self) -> None:
        """Until it is to go, its requests are done and its processes have ended. Cancelled: they run on."""
        if self.pod.draining_since is None:
            await self._serve()
        await self._drained()
        await self.end(await self._pre_stop(self.pod.grace))

    def drain(self, reason: str) -> None:
        """Take no new requests from now on, and go when those in flight are done."""
        if self.pod.draining_since is None:
            self.pod = replace(self.pod, draining_since=self._around.now())
            self._leaving.set()
            self._refresh(self._event("draining", reason))

    def renew(self, reason: str, by: str) -> None:
        """Another pod shall take its place; until that is ready it serves on."""
        if not self.pod.renew:
            self.pod = replace(self.pod, renew=True)
            self._refresh(replace(self._event("restarting", reason), by=by))

    async def end(self, grace: timedelta) -> None:
        """End the application, then the sidecar: SIGTERM, after the grace SIGKILL. Not while `run` runs."""
        try:
            for part, keeper in self._keepers.items():
                await keeper.stop(grace if part is Part.APP else min(grace, _SIDECAR_GRACE))
            await self._programs.remove_container()
            await kill_marked(self._around.state, lambda marked: marked.marker.pod == self.pod.key)
            await self._around.networks.remove(self.pod)
        except StuckError as error:
            log.error("processes of pod %s do not end: %s", self.pod.key, error)

    def trim_logs(self) -> None:
        """Keep the output of its parts within their bound."""
        for part in self.pod.parts:
            trim(self._programs.output(part), LOG_BYTES_MAX)

    def update_volumes(self) -> None:
        """Bring the files of its volumes to the newest values."""
        self._programs.update_volumes()

    def forget(self) -> None:
        """Let its processes run on without us."""
        for keeper in self._keepers.values():
            keeper.forget()

    def ask_sidecar(self) -> None:
        """Ask now whether the sidecar is ready."""
        self._ask_again.set()

    def started(self, part: Part, process: Process) -> None:
        """A part runs."""
        assert self._group is not None, "parts are kept only while serving"
        watch = self._attend() if part is Part.APP else self._watch_sidecar()
        self._watches[part] = self._group.create_task(watch)
        self._condition = self._condition.started(part, process.identity)
        self._refresh()

    def ended(self, end: Ended) -> None:
        """A part does not run."""
        if end.part in self._watches:
            self._watches.pop(end.part).cancel()
        last = tail(self._programs.output(end.part), _LAST_LINES) if end.ran else ()
        if end.part is Part.APP and any(_TAKEN.search(line) for line in last):
            end = replace(
                end, why=f"{end.why}: its address is taken, so let it listen on $HOST, not on 0.0.0.0"
            )
        self._condition = self._condition.ended(end)
        self._refresh(self._event("crashed" if end.ran else "not started", str(end), "\n".join(last)))

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as self._group:
            keeping = [self._group.create_task(keeper.keep()) for keeper in self._keepers.values()]
            await self._leaving.wait()
            restarting = [self._restarting] if self._restarting else []
            for task in (*keeping, *self._watches.values(), *restarting):
                task.cancel()

    async def _drained(self) -> None:
        pod, around = self.pod, self._around
        assert pod.draining_since is not None
        if not pod.ever_ready:
            return  # no proxy ever knew it
        left = pod.drains_for - (around.now() - pod.draining_since)
        try:
            async with asyncio.timeout(max(0.0, left.total_seconds())) as limit:
                await around.sidecars.drained(pod)
        except TimeoutError:
            if not limit.expired():
                raise
            reason = f"still in use after {format_duration(pod.drains_for)}"
            self._write(partial(around.store.record, self._event("not drained", reason)))

    async def _attend(self) -> None:
        fresh, self._adopted = not self._adopted, False
        condition = self._condition
        await self._attendance.attend(condition.readiness, fresh=fresh, started=condition.started_up)

    def starting(self, detail: str) -> None:
        """The application is not through its start yet."""
        self._condition = replace(self._condition, starting=detail)
        self._refresh()

    def started_up(self) -> None:
        """The application's start is behind it."""
        self._condition = replace(self._condition, started_up=True)
        self._refresh()

    def answered(self, answer: Answer) -> ReadinessState:
        """The application answered its readiness probe."""
        self._condition = self._condition.answered(answer)
        self._refresh()
        return self._condition.readiness

    def failed(self, why: str, grace: timedelta) -> None:
        """The application is to be ended, after its preStop hook, and started again."""
        assert self._group is not None, "it is attended only while serving"
        self._condition = self._condition.failing(why)
        self._refresh(self._event("unhealthy", why))
        self._restarting = self._group.create_task(self._restart(why, grace))

    async def _restart(self, why: str, grace: timedelta) -> None:
        try:
            await self._keepers[Part.APP].restart(f"was ended: {why}", await self._pre_stop(grace))
        except StuckError as error:
            log.error("processes of pod %s do not end: %s", self.pod.key, error)

    async def _pre_stop(self, grace: timedelta) -> timedelta:
        """Run the application's hook, if it runs; what is left of the grace for its SIGTERM."""
        if self._keepers[Part.APP].process is None:
            return grace
        begun = self._around.now()
        answer = await self._attendance.pre_stop(grace)
        if not answer.ok:
            self._write(partial(self._around.store.record, self._event("preStop failed", answer.detail)))
        return max(grace - (self._around.now() - begun), min(grace, _TERM_GRACE_MIN))

    async def _watch_sidecar(self) -> None:
        """Ask the mesh whether the sidecar is ready, until it is."""
        while not self._condition.sidecar_ready:
            if self._around.sidecars.ready(self.pod):
                self._condition = replace(self._condition, sidecar_ready=True)
                self._refresh()
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(_SIDECAR_POLL_SECONDS):
                    await self._ask_again.wait()
            self._ask_again.clear()

    def _refresh(self, event: Event | None = None) -> None:
        """Make the pod what its parts say, write it down, and tell who must know."""
        before, self.pod = self.pod, in_condition(self.pod, self._condition)
        for keeper in self._keepers.values():
            keeper.ready(self.pod.ready)
        if event is None and self.pod.stage is not before.stage:
            event = self._event(_STAGES[self.pod.stage], self.pod.message or "every part is ready")
        self._write(partial(self._put_status, event))
        if self.pod.stage is not before.stage:
            self._around.changed(self.pod)

    def _put_status(self, event: Event | None) -> None:
        store, pod = self._around.store, self.pod
        if store.get("Pod", pod.key) is not None:  # it may be gone when this is tried again
            logs = {part: str(self._programs.output(part)) for part in pod.parts}
            store.put_status("Pod", pod.key, status_of(pod, logs), event)

    def _write(self, write: Callable[[], object]) -> None:
        """Write to the store; again and again where it cannot be written (a full disk)."""
        try:
            write()
        except DBAPIError as error:
            log.error("the state of pod %s was not written: %s", self.pod.key, error.orig)
            asyncio.get_running_loop().call_later(_WRITE_AGAIN_SECONDS, self._write, write)

    def _event(self, change: str, reason: str, message: str = "") -> Event:
        obj = self._around.store.get("Pod", self.pod.key)
        assert obj is not None, "a pod's object outlives its processes"
        return event_about(obj, self._around.now(), change, reason, message=message)
