"""Readiness: asking an application whether it takes requests, and what its answers so far amount to.

`ReadinessState` is pure; `ask` does the I/O. Must not know pods.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from laneway import __version__
from laneway.spec.kubernetes import Probe

_QUICK = timedelta(milliseconds=50)
_QUICK_GROWTH = 1.3
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})(?: .*)?\r?\n?")
_LINE_BYTES_MAX = 1024


@dataclass(frozen=True, slots=True)
class Target:
    """What to ask. path: of an HTTP GET, None to connect only. Any status from 200 to 399 is success."""

    address: str
    port: int
    path: str | None
    timeout: timedelta

    def __str__(self) -> str:
        what = "connecting to" if self.path is None else f"GET {self.path} on"
        return f"{what} {self.address}:{self.port}"


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


def target(
    probe: Probe | None, address: str, ports: Mapping[int, int], names: Mapping[str, int]
) -> Target | Answer:
    """What a container's probe asks; without one, to connect to its first port.

    The answer itself where there is no port to ask (ready when it runs), or none of the probe's name (never).
    ports: on this machine, by container port; names: container ports by name.
    """
    if probe is None or (probe.http_get is None and probe.tcp_socket is None):
        first = next(iter(ports.values()), None)
        timeout = timedelta(seconds=(probe or Probe()).timeout_seconds)
        if first is None:
            return Answer(True, "the container has no port to ask")
        return Target(address, first, None, timeout)
    action = probe.http_get or probe.tcp_socket
    assert action is not None
    port = action.port
    if isinstance(port, str):
        if port not in names:
            return Answer(False, f"readinessProbe: the container has no port named {port!r}")
        port = names[port]
    path = probe.http_get.path if probe.http_get else None
    return Target(address, ports.get(port, port), path, timedelta(seconds=probe.timeout_seconds))


async def ask(target: Target) -> Answer:
    """One question. Every failure is an answer."""
    try:
        async with asyncio.timeout(target.timeout.total_seconds()):
            return await _ask(target)
    except TimeoutError:
        return Answer(False, f"{target}: no answer within {target.timeout.total_seconds():g} s")
    except OSError as error:
        return Answer(False, f"{target}: {os.strerror(error.errno) if error.errno else error}")


async def _ask(target: Target) -> Answer:
    reader, writer = await asyncio.open_connection(target.address, target.port, limit=_LINE_BYTES_MAX)
    try:
        if target.path is None:
            return Answer(True, f"{target}: accepted")
        writer.write(_request(target))
        return _judge(target, await reader.readline())
    except ValueError:
        return Answer(False, f"{target}: the answer is not HTTP")
    finally:
        writer.close()


def _request(target: Target) -> bytes:
    return (
        f"GET {target.path} HTTP/1.1\r\nHost: {target.address}:{target.port}\r\n"
        f"User-Agent: laneway-probe/{__version__}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    ).encode()


def _judge(target: Target, line: bytes) -> Answer:
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        return Answer(False, f"{target}: the answer is not HTTP")
    status = int(match[1])
    return Answer(200 <= status <= 399, f"{target}: {status}")
