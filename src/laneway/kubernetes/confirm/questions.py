"""What istiod tells when asked: its proxies' acknowledgements, and what it tells one of them.

istiod answers on the TLS port to a service account of the root namespace (pilot/pkg/xds/debuggen.go).
Owns the stream that questions go through. Must not know why or how often they are asked.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from time import monotonic

import grpc
import msgspec

from laneway.kubernetes.confirm.ads import DEBUG, EndedError, Stream
from laneway.kubernetes.confirm.markers import scan
from laneway.kubernetes.confirm.syncz import Snapshot, read
from laneway.spec.meta import Key

ANSWER_SECONDS = 10.0
_VERSION = re.compile(rb'"version_?[iI]nfo": ?"[^"]*/(\d+)"')
_REFUSALS = {
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.UNIMPLEMENTED,
}


class RefusedError(Exception):
    """istiod does not answer this, also not later."""


class Questions:
    """One istiod's, through a stream of their own: a refusal ends it."""

    def __init__(self, opened: Callable[[], Stream]) -> None:
        self._open = opened
        self._stream: Stream | None = None

    async def snapshot(self) -> Snapshot:
        """The proxies. Raises RefusedError, grpc.aio.AioRpcError, TimeoutError."""
        at = monotonic()
        data = await self._ask("syncz")
        try:
            return read(data, at)
        except msgspec.DecodeError as error:
            raise RefusedError(_shortened(data)) from error

    async def told(self, pod: Key) -> tuple[int, frozenset[str]]:
        """A push, and the markers in what a proxy is told by it. Raises as `snapshot`."""
        data = await self._ask(f"config_dump?proxyID={pod.name}.{pod.namespace}")
        version = _VERSION.search(data)
        if version is None:
            raise RefusedError(_shortened(data))
        return int(version.group(1)), scan(data)

    async def _ask(self, question: str) -> bytes:
        self._stream = self._stream or self._open()
        try:
            # `wait_for` of Python 3.11 loses a cancellation that comes together with the answer
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._stream.send(DEBUG, (question,))
                response = await self._stream.receive()
        except EndedError as error:
            self.close()
            raise RefusedError(str(error)) from error
        except grpc.aio.AioRpcError as error:
            self.close()
            if error.code() in _REFUSALS:
                raise RefusedError(error.details() or error.code().name) from error
            raise
        return response.changed.get(question, b"")

    def close(self) -> None:
        """End the stream; the next question opens another."""
        if self._stream:
            self._stream.close()
        self._stream = None


def _shortened(answer: bytes) -> str:
    return f"it answers {answer[:80].decode(errors='replace')!r}"
