"""What is known of a pod's parts, and what that makes of it: its stage, and why it is not ready. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import NamedTuple

from laneway.local.pod.pods import Pod, Stage, Trouble
from laneway.local.pod.probes import Answer, ReadinessState
from laneway.local.process.markers import Identity, Part
from laneway.spec.kubernetes import Probe

_NAMES = {Part.APP: "the application", Part.SIDECAR: "the sidecar", Part.GATEWAY: "the gateway"}


class Why(NamedTuple):
    """Why a pod is not ready, as a word and in words."""

    trouble: Trouble
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A part ended by itself, or did not even start. again_in: until the next attempt."""

    part: Part
    why: str
    again_in: timedelta
    trouble: Trouble = Trouble.CRASHED

    @property
    def ran(self) -> bool:
        """Whether it had been started."""
        return self.trouble not in {Trouble.CANNOT_START, Trouble.CONFIGURATION}

    def __str__(self) -> str:
        verb = "" if self.ran else "cannot start: "
        return f"{_NAMES[self.part]} {verb}{self.why}"


@dataclass(frozen=True, slots=True)
class Condition:
    """The parts of one pod.

    readiness: of the application; sidecar_ready: True where there is none; started_up: whether the
    application is through its start; starting: why not.
    """

    readiness: ReadinessState
    sidecar_ready: bool
    started_up: bool = False
    starting: str = ""
    running: Mapping[Part, Identity] = field(default_factory=dict)
    troubles: Mapping[Part, Why] = field(default_factory=dict)
    restarts: int = 0

    def started(self, part: Part, identity: Identity) -> Condition:
        """A part runs."""
        troubles = {other: why for other, why in self.troubles.items() if other is not part}
        return replace(self, running={**self.running, part: identity}, troubles=troubles)

    def ended(self, end: Ended) -> Condition:
        """A part does not run, and what it had shown of itself counts no more."""
        why = Why(end.trouble, f"{end}; next attempt after {end.again_in.total_seconds():g} s")
        return replace(
            self,
            readiness=ReadinessState(self.readiness.probe) if end.part is Part.APP else self.readiness,
            sidecar_ready=self.sidecar_ready and end.part is not Part.SIDECAR,
            started_up=self.started_up and end.part is not Part.APP,
            starting="" if end.part is Part.APP else self.starting,
            running={part: identity for part, identity in self.running.items() if part is not end.part},
            troubles={**self.troubles, end.part: why},
            restarts=self.restarts + 1,
        )

    def answered(self, answer: Answer) -> Condition:
        """The application answered its probe, or did not."""
        return replace(self, readiness=self.readiness.after(answer))

    def failing(self, why: str) -> Condition:
        """The application is about to be ended and started again; it takes no requests meanwhile."""
        return replace(self, troubles={**self.troubles, Part.APP: Why(Trouble.UNHEALTHY, why)})

    @property
    def why_not(self) -> Why | None:
        """Why the pod takes no requests; None where it does."""
        if self.troubles:
            return next(iter(self.troubles.values()))
        if self.starting and not self.started_up:
            return Why(Trouble.NOT_ANSWERING, self.starting)
        if not self.readiness.ready:
            return Why(
                Trouble.NOT_ANSWERING, self.readiness.detail or "the application has not been asked yet"
            )
        if not self.sidecar_ready:
            return Why(Trouble.SIDECAR_NOT_READY, "the sidecar does not serve yet")
        return None


def first_condition(pod: Pod) -> Condition:
    """Of a pod none of whose parts runs."""
    probe = pod.container.readiness_probe or Probe()
    return Condition(ReadinessState(probe), not pod.sidecar, restarts=pod.restarts)


def adopted_condition(pod: Pod, running: Mapping[Part, Identity]) -> Condition:
    """Of a pod whose parts ran on without us: it is as ready as it was, if none is missing."""
    condition = first_condition(pod)
    if pod.started and Part.APP in running:
        condition = replace(condition, started_up=True)
    if pod.ready and running.keys() == set(pod.parts):
        readiness = replace(condition.readiness, ready=True, proven=True)
        condition = replace(condition, readiness=readiness, sidecar_ready=True)
    missing = [part for part in pod.processes if part not in running]
    return replace(
        condition,
        running=running,
        troubles={part: Why(Trouble.CRASHED, f"{_NAMES[part]} ended unseen") for part in missing},
        restarts=pod.restarts + len(missing),
    )


def in_condition(pod: Pod, condition: Condition) -> Pod:
    """The pod with what its parts' condition makes of it."""
    why = condition.why_not
    if pod.draining_since is not None:
        stage = Stage.DRAINING
    elif why is None:
        stage = Stage.READY
    else:
        stage = Stage.NOT_READY if pod.ever_ready else Stage.STARTING
    return replace(
        pod,
        stage=stage,
        ever_ready=pod.ever_ready or stage is Stage.READY,
        started=condition.started_up,
        restarts=condition.restarts,
        reason=why.trouble if why else Trouble.NONE,
        message=why.text if why else "",
        processes=condition.running,
    )
