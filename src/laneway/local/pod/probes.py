"""Probes and hooks: what an application is asked, and what its answers so far amount to. Pure.

Must not know pods, nor how a question is put (`asking` does).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from laneway.spec.kubernetes import HttpGet, LifecycleHandler, Probe, TcpSocket

_QUICK = timedelta(milliseconds=50)
_QUICK_GROWTH = 1.3


@dataclass(frozen=True, slots=True)
class Target:
    """Where to ask. path: of an HTTP GET; service: of a gRPC health check; neither: to connect only.

    Any status from 200 to 399 is success, as is SERVING. tls: without verifying the certificate.
    """

    address: str
    port: int
    path: str | None
    timeout: timedelta
    headers: Sequence[tuple[str, str]] = ()
    tls: bool = False
    service: str | None = None

    def __str__(self) -> str:
        if self.service is not None:
            return f"gRPC health check of {self.service or 'the server'} on {self.address}:{self.port}"
        scheme = " by TLS" if self.tls else ""
        what = "connecting to" if self.path is None else f"GET {self.path}{scheme} on"
        return f"{what} {self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Program:
    """A program to run in the container's place: exit status 0 is success."""

    argv: Sequence[str]
    timeout: timedelta

    def __str__(self) -> str:
        return " ".join(self.argv)


Question = Target | Program


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the application takes requests, and what it said, in words."""

    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class ReadinessState:
    """What the answers of one process amount to.

    As in Kubernetes: ready after `successThreshold` successes in a row, no longer after `failureThreshold`
    failures in a row. attempts: before it was ready for the first time.
    """

    probe: Probe
    ready: bool = False
    proven: bool = False
    successes: int = 0
    failures: int = 0
    attempts: int = 0
    detail: str = ""

    def after(self, answer: Answer) -> ReadinessState:
        """The state with one more answer."""
        counted = replace(
            self,
            successes=self.successes + 1 if answer.ok else 0,
            failures=0 if answer.ok else self.failures + 1,
            attempts=self.attempts + (not self.proven),
            detail=answer.detail,
        )
        if counted.successes >= self.probe.success_threshold:
            return replace(counted, ready=True, proven=True)
        if counted.failures >= self.probe.failure_threshold:
            return replace(counted, ready=False)
        return counted

    @property
    def delay(self) -> timedelta:
        """Until the next question: 50 ms growing to the period until first ready, then the period."""
        period = timedelta(seconds=self.probe.period_seconds)
        if self.proven:
            return period
        return min(period, _QUICK * _QUICK_GROWTH ** min(self.attempts, 50))


@dataclass(frozen=True, slots=True)
class StartupState:
    """What the answers of a process that starts amount to. waited: for what it has answered so far.

    It is asked more often than its probe says, so its failures are counted by the time they took.
    """

    probe: Probe
    passed: bool = False
    waited: timedelta = timedelta()
    attempts: int = 0

    def after(self, answer: Answer) -> StartupState:
        """The state with one more answer."""
        if answer.ok:
            return replace(self, passed=True)
        return replace(self, waited=self.waited + self.delay, attempts=self.attempts + 1)

    @property
    def failed(self) -> bool:
        """Whether the process took longer than `failureThreshold` periods."""
        return self.waited >= timedelta(seconds=self.probe.period_seconds) * self.probe.failure_threshold

    @property
    def delay(self) -> timedelta:
        """Until the next question: 50 ms growing to the period."""
        period = timedelta(seconds=self.probe.period_seconds)
        return min(period, _QUICK * _QUICK_GROWTH ** min(self.attempts, 50))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a container is asked. ports: here, by container port; names: container ports by name."""

    address: str
    ports: Mapping[int, int]
    names: Mapping[str, int]


class NoPortError(Exception):
    """A probe or a hook names a port that the container does not have."""


def question(probe: Probe | None, place: Place) -> Question | Answer:
    """What a probe asks; without an action of its own, to connect to the container's first port.

    The answer itself where there is no port to ask (ready when it runs), or none of the probe's name (never).
    """
    timeout = timedelta(seconds=(probe or Probe()).timeout_seconds)
    try:
        if probe is not None and probe.exec is not None:
            return Program(probe.exec.command, timeout)
        if probe is not None and probe.grpc is not None:
            port = place.ports.get(probe.grpc.port, probe.grpc.port)
            return Target(place.address, port, None, timeout, service=probe.grpc.service)
        if probe is not None and (action := probe.http_get or probe.tcp_socket) is not None:
            return _target(action, place, timeout)
    except NoPortError as error:
        return Answer(False, str(error))
    first = next(iter(place.ports.values()), None)
    if first is None:
        return Answer(True, "the container has no port to ask")
    return Target(place.address, first, None, timeout)


def deed(hook: LifecycleHandler, place: Place, timeout: timedelta) -> Question | Answer | timedelta:
    """What a hook does, or how long it sleeps; the failure itself where it names no port of the container."""
    if hook.sleep is not None:
        return timedelta(seconds=hook.sleep.seconds)
    if hook.exec is not None:
        return Program(hook.exec.command, timeout)
    assert hook.http_get is not None
    try:
        return _target(hook.http_get, place, timeout)
    except NoPortError as error:
        return Answer(False, str(error))


def _target(action: HttpGet | TcpSocket, place: Place, timeout: timedelta) -> Target:
    """An action's target; at another host its port is what it says."""
    port = action.port
    if isinstance(port, str):
        if port not in place.names:
            raise NoPortError(f"the container has no port named {port!r}")
        port = place.names[port]
    if action.host is None:
        port = place.ports.get(port, port)
    address = action.host or place.address
    if isinstance(action, TcpSocket):
        return Target(address, port, None, timeout)
    headers = tuple((header.name, header.value) for header in action.http_headers)
    return Target(address, port, action.path, timeout, headers, tls=action.scheme == "HTTPS")
