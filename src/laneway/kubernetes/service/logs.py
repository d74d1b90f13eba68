"""What pods of a cluster wrote, and go on to write: lines of each, as they come.

Owns which container is meant, and that pods to come are followed too. Must not know why somebody reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from laneway.api.engine import Part
from laneway.control.status import LogLine
from laneway.kubernetes.api.errors import ApiError, Unreachable
from laneway.kubernetes.api.kinds import RESOURCES
from laneway.kubernetes.api.requests import Request, Requests
from laneway.kubernetes.service.pods import Pod
from laneway.spec.meta import Key

Json = dict[str, Any]

SIDECAR = "istio-proxy"
DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
SILENCE_SECONDS = 31_536_000.0
"""A log may be silent for as long as it likes."""


def container_of(pod: Pod, part: Part) -> str | None:
    """The container whose lines are meant; None where the pod has none such, or none that has started."""
    spec, said = pod.body["spec"], pod.body.get("status") or {}
    if part == "sidecar":
        name = SIDECAR
    else:
        own = [each["name"] for each in spec["containers"] if each["name"] != SIDECAR]
        annotations = pod.body["metadata"].get("annotations") or {}
        name = annotations.get(DEFAULT_CONTAINER) or next(iter(own), "")
    told = [*(said.get("containerStatuses") or ()), *(said.get("initContainerStatuses") or ())]
    begun = [each["name"] for each in told if set(each.get("state") or ()) & {"running", "terminated"}]
    return name if name in begun else None


async def lines(
    requests: Requests, pods: Callable[[], Awaitable[list[Pod]]], part: Part, tail: int
) -> AsyncGenerator[LogLine, None]:
    """The last lines of each of these pods, one after the other."""
    for pod in await pods():
        if (container := container_of(pod, part)) is not None:
            async for line in _lines(requests, pod.key, container, {"tailLines": str(tail)}):
                yield line


async def followed(
    requests: Requests,
    pods: Callable[[], Awaitable[list[Pod]]],
    changed: Callable[[], Awaitable[object]],
    part: Part,
    tail: int,
) -> AsyncGenerator[LogLine, None]:
    """The last lines of each, and all to come, of pods to come too. changed: returns when pods may differ."""
    found: asyncio.Queue[LogLine] = asyncio.Queue(maxsize=1000)
    reading: dict[tuple[Key, str], asyncio.Task[None]] = {}

    async def read(pod: Pod, container: str) -> None:
        query = {"tailLines": str(tail), "follow": "true"}
        async for line in _lines(requests, pod.key, container, query):
            await found.put(line)

    async def keep() -> None:
        while True:
            for pod in await pods():
                known = pod.key, str(pod.body["metadata"].get("uid"))
                if known not in reading and (container := container_of(pod, part)) is not None:
                    reading[known] = asyncio.create_task(read(pod, container))
            await changed()

    keeping = asyncio.create_task(keep())
    try:
        while True:
            yield await found.get()
    finally:
        for task in (keeping, *reading.values()):
            task.cancel()


async def _lines(
    requests: Requests, pod: Key, container: str, query: dict[str, str]
) -> AsyncGenerator[LogLine, None]:
    """Lines of one container. What is cut off by a connection that ends is told so by the pod's next one."""
    path = RESOURCES["Pod"].path(pod.namespace, pod.name, "log")
    request = Request("get", "Log", "GET", path, {"container": container, **query})
    rest = b""
    try:
        async with requests.stream(request, SILENCE_SECONDS) as pieces:
            async for piece in pieces:
                *whole, rest = (rest + piece).split(b"\n")
                for line in whole:
                    yield _line(pod, line)
    except Unreachable:
        return
    except ApiError as error:
        if not (error.missing or error.status == 400):  # gone, or its container has not begun
            raise
    if rest:
        yield _line(pod, rest)


def _line(pod: Key, text: bytes) -> LogLine:
    return LogLine(pod=pod.name, line=text.decode(errors="replace"))
