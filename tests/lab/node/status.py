"""A pod's status from the state of its containers, as a kubelet writes it. Pure.

Source: Kubernetes, pkg/kubelet/status/generate.go and pkg/kubelet/kubelet_pods.go (getPhase).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that is over. code: negative for a signal."""

    code: int
    started: datetime
    finished: datetime

    def written(self) -> Object:
        """As `terminated`."""
        signal = {"signal": -self.code} if self.code < 0 else {}
        return {
            "exitCode": 128 - self.code if self.code < 0 else self.code,
            "reason": "Completed" if self.code == 0 else "Error",
            "startedAt": moment(self.started),
            "finishedAt": moment(self.finished),
            **signal,
        }


@dataclass(frozen=True, slots=True)
class Container:
    """One container now. running: since when; waiting: for what, where it does not run; last: run."""

    name: str
    image: str
    running: datetime | None = None
    waiting: str = "ContainerCreating"
    message: str = ""
    over: bool = False
    ready: bool = False
    started: bool = False
    restarts: int = 0
    last: Ended | None = None

    def written(self, pod_uid: str) -> Object:
        """As one of `containerStatuses`."""
        last = {"terminated": self.last.written()} if self.last and not self.over else {}
        return {
            "name": self.name,
            "image": self.image,
            "imageID": "",
            "containerID": f"lab://{pod_uid}/{self.name}" if self.running or self.last else "",
            "ready": self.ready,
            "started": self.started,
            "restartCount": self.restarts,
            "state": self._state(),
            "lastState": last,
        }

    def _state(self) -> Object:
        if self.running is not None:
            return {"running": {"startedAt": moment(self.running)}}
        if self.over and self.last is not None:
            return {"terminated": self.last.written()}
        return {"waiting": {"reason": self.waiting, "message": self.message}}


@dataclass(frozen=True, slots=True)
class PodState:
    """A pod now. initialized: whether its first containers have done their work."""

    uid: str
    address: str
    host: str
    began: datetime
    containers: Sequence[Container]
    initialized: bool = False


def written(pod: PodState, before: Object, gates: Sequence[str], now: datetime) -> Object:
    """The status to write. before: what stands there; gates: other conditions that readiness needs."""
    said = {each["type"]: each for each in before.get("conditions", [])}
    ready = pod.initialized and bool(pod.containers) and all(each.ready for each in pod.containers)
    passed = all(said.get(gate, {}).get("status") == "True" for gate in gates)
    unready = ", ".join(each.name for each in pod.containers if not each.ready)
    reason = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{unready}]"}
    why = {} if ready else reason
    conditions = [
        _condition("PodScheduled", True, said, now),
        _condition("Initialized", pod.initialized, said, now),
        _condition("ContainersReady", ready, said, now, why),
        _condition(
            "Ready",
            ready and passed,
            said,
            now,
            why or ({} if passed else {"reason": "ReadinessGatesNotReady"}),
        ),
    ]
    return {
        "phase": phase(pod.containers),
        "hostIP": pod.host,
        "hostIPs": [{"ip": pod.host}],
        "podIP": pod.address,
        "podIPs": [{"ip": pod.address}],
        "startTime": moment(pod.began),
        "conditions": conditions,
        "containerStatuses": [each.written(pod.uid) for each in pod.containers],
    }


def phase(containers: Sequence[Container]) -> str:
    """Pending, Running, Succeeded or Failed."""
    if containers and all(each.over for each in containers):
        failed = any(each.last is not None and each.last.code for each in containers)
        return "Failed" if failed else "Succeeded"
    begun = all(each.running or each.last for each in containers)
    return "Running" if containers and begun else "Pending"


def moment(when: datetime) -> str:
    """As Kubernetes writes a moment: whole seconds."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _condition(
    kind: str, holds: bool, said: Mapping[str, Object], now: datetime, why: Mapping[str, str] | None = None
) -> Object:
    status = "True" if holds else "False"
    before = said.get(kind, {})
    since = before.get("lastTransitionTime") if before.get("status") == status else None
    return {"type": kind, "status": status, "lastTransitionTime": since or moment(now), **(why or {})}
