"""Requests to the API server: sent over connections that are kept, authenticated, so many at a time, retried.

Owns when a request is sent again: where it was surely not done (429), and, where doing it twice is as good as
once, after an error that passes. Must not know what a request means.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field

import aiohttp

import laneway
from laneway.kubernetes.api.access import Access, AccessError
from laneway.kubernetes.api.errors import ApiError, Unreachable, api_error

IN_FLIGHT_MAX = 16
"""More at a time make an API server slower, not faster."""
ATTEMPTS_MAX = 4
RETRY_AFTER_DEFAULT = 1.0
RETRY_AFTER_MAX = 10.0
ANSWER_SECONDS_MAX = 30.0
CONNECT_SECONDS_MAX = 5.0
_NO_LIMIT: nullcontext[None] = nullcontext()

Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Request:
    """verb and kind: as they are counted; repeatable: done twice is as good as once.

    urgent: not held back by the limit of requests in flight.
    """

    verb: str
    kind: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    content_type: str = "application/json"
    repeatable: bool = True
    urgent: bool = False


class Requests:
    """Made by `open_requests`. counts: sent so far, by verb and kind, each attempt for itself."""

    def __init__(self, session: aiohttp.ClientSession, access: Access, sleep: Sleep = asyncio.sleep) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self._session = session
        self._access = access
        self._sleep = sleep
        self._slots = asyncio.Semaphore(IN_FLIGHT_MAX)

    async def send(self, request: Request) -> bytes:
        """The answer's content. Raises ApiError where it is a refusal, Unreachable where there is none."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                async with _NO_LIMIT if request.urgent else self._slots:
                    return await self._answered(request)
            except (ApiError, Unreachable) as error:
                wait = _wait(error, request)
                if wait is None or attempt == ATTEMPTS_MAX:
                    raise
            await self._sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    @asynccontextmanager
    async def stream(self, request: Request, idle_seconds: float) -> AsyncIterator[AsyncIterator[bytes]]:
        """An answer in pieces, as they come, for as long as they come.

        idle_seconds: the longest silence. Raises ApiError on entering, Unreachable at any time.
        """
        timeout = aiohttp.ClientTimeout(sock_connect=CONNECT_SECONDS_MAX, sock_read=idle_seconds)
        async with AsyncExitStack() as stack:
            response = await self._open(request, timeout, stack)
            yield _pieces(response)

    async def _answered(self, request: Request) -> bytes:
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS_MAX, sock_connect=CONNECT_SECONDS_MAX)
        async with AsyncExitStack() as stack:
            response = await self._open(request, timeout, stack)
            return await _read(response)

    async def _open(
        self, request: Request, within: aiohttp.ClientTimeout, stack: AsyncExitStack
    ) -> aiohttp.ClientResponse:
        """The answer, its content not read. Asks once more with new credentials where ours have expired."""
        response = await self._sent(request, within, stack)
        if response.status == 401 and await self._access.credentials.renew():
            await _read(response)
            response = await self._sent(request, within, stack)
        if response.status >= 400:
            raise api_error(response.status, await _read(response), response.headers.get("Retry-After"))
        return response

    async def _sent(
        self, request: Request, within: aiohttp.ClientTimeout, stack: AsyncExitStack
    ) -> aiohttp.ClientResponse:
        headers = await self._credentials()
        if request.content is not None:
            headers["Content-Type"] = request.content_type
        self.counts[request.verb, request.kind] += 1
        sent = self._session.request(
            request.method,
            self._access.url + request.path,
            params=request.query,
            data=request.content,
            headers=headers,
            timeout=within,
            allow_redirects=False,
            server_hostname=self._access.server_name,
            proxy=self._access.proxy,
        )
        try:
            return await stack.enter_async_context(sent)
        except (aiohttp.ClientError, OSError) as error:
            raise _unreachable(error) from error

    async def _credentials(self) -> dict[str, str]:
        """Who cannot say who it is reaches nothing; a plugin that fails now may succeed later."""
        try:
            return dict(await self._access.credentials.headers())
        except AccessError as error:
            raise Unreachable(str(error)) from error


@asynccontextmanager
async def open_requests(access: Access) -> AsyncIterator[Requests]:
    """Requests to the API server of `access`; its connections end with the context."""
    connector = aiohttp.TCPConnector(limit=0, ssl=access.tls or True, keepalive_timeout=60)
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "identity",  # to pack and unpack costs both sides more than the way between them
        "User-Agent": f"laneway/{laneway.__version__}",
    }
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        yield Requests(session, access)


class LostConnection(Unreachable):
    """The connection ended before the answer did: a kept one may have been closed by the other side."""


def _unreachable(error: Exception) -> Unreachable:
    text = str(error) or type(error).__name__
    if isinstance(error, (aiohttp.ClientConnectorError, TimeoutError)):
        return Unreachable(text)
    return LostConnection(text)


def _wait(error: ApiError | Unreachable, request: Request) -> float | None:
    """Seconds until the request may be sent again; None where it may not."""
    if isinstance(error, Unreachable):
        return 0.0 if isinstance(error, LostConnection) and request.repeatable else None
    if error.throttled:
        return min(error.retry_after or RETRY_AFTER_DEFAULT, RETRY_AFTER_MAX)
    if error.status >= 500 and error.retry_after is not None and request.repeatable:
        return min(error.retry_after, RETRY_AFTER_MAX)
    return None


async def _read(response: aiohttp.ClientResponse) -> bytes:
    try:
        return await response.read()
    except (aiohttp.ClientError, OSError) as error:
        raise _unreachable(error) from error


async def _pieces(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for piece in response.content.iter_any():
            yield piece
    except (aiohttp.ClientError, OSError) as error:
        raise _unreachable(error) from error
