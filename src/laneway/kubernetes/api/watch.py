"""One watch: the lines that an API server sends as events. Must not know what is kept of the objects.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

import msgspec
import orjson

from laneway.kubernetes.api.errors import Unreachable, status_error
from laneway.kubernetes.api.lines import Lines, LineTooLongError
from laneway.kubernetes.api.server import Server

INITIAL_EVENTS_END = "k8s.io/initial-events-end"
IDLE_SECONDS_MAX = 150.0
"""An API server sends a bookmark about every minute; one that is silent for longer is not there any more."""


@dataclass(frozen=True, slots=True)
class Event:
    """version: of the whole list after it. content: the object as JSON; of a deleted one its last state.

    A bookmark has none; complete: with it, all that there was at the start has been told.
    """

    version: str
    content: bytes | None = None
    deleted: bool = False
    complete: bool = False


class _Meta(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    annotations: dict[str, str] | None = None


class _Head(msgspec.Struct):
    metadata: _Meta


class _Line(msgspec.Struct):
    type: str
    object: msgspec.Raw


_LINE = msgspec.json.Decoder(_Line)
_HEAD = msgspec.json.Decoder(_Head)


async def watch(
    server: Server, kind: str, namespace: str | None, query: Mapping[str, str], idle_seconds: float
) -> AsyncGenerator[list[Event], None]:
    """Events, as many at a time as came together, until the API server ends the watch.

    Raises ApiError, `gone` where the version asked from is too old; Unreachable when the connection ends, or
    when nothing came for `idle_seconds`.
    """
    lines = Lines()
    async with server.watch(kind, namespace, query, idle_seconds) as pieces:
        async for piece in pieces:
            try:
                complete = lines.feed(piece)
            except LineTooLongError as error:
                raise Unreachable(str(error)) from error
            if complete:
                yield [event(line) for line in complete]


def event(line: bytes) -> Event:
    """What a line tells. Raises ApiError where it tells of an error, Unreachable where it is not an event."""
    try:
        told = _LINE.decode(line)
        content = bytes(told.object)
        if told.type == "ERROR":
            raise status_error(orjson.loads(content), 500)
        metadata = _HEAD.decode(content).metadata
    except msgspec.DecodeError as error:
        raise Unreachable(f"not an event: {line[:100]!r}") from error
    if told.type == "BOOKMARK":
        complete = (metadata.annotations or {}).get(INITIAL_EVENTS_END) == "true"
        return Event(metadata.resource_version, complete=complete)
    return Event(metadata.resource_version, content, deleted=told.type == "DELETED")
