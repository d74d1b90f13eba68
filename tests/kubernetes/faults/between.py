"""What stands between a controller and the API server, and makes its answers late, or others in their place.

Owns how requests are passed on. Must not know what they are about: which fault there is says who asks for it.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from tests.lab.control_plane import ControlPlane

Fault = Callable[[web.Request], web.Response | None]
PASSED_ON = frozenset({"authorization", "content-type", "accept"})


@dataclass
class Between:
    """url: in place of the API server's. late_s: how late each piece of a watch comes.

    watch_s: how long a watch lasts. refused: how often `fault` had an answer of its own.
    """

    url: str = ""
    late_s: float = 0.0
    watch_s: float | None = None
    fault: Fault = lambda request: None
    refused: int = 0

    def answer(self, request: web.Request) -> web.Response | None:
        """What is answered in place of the API server."""
        found = self.fault(request)
        self.refused += found is not None
        return found


def is_watch(request: web.Request) -> bool:
    """Whether it waits for changes."""
    return request.query.get("watch") == "1"


def status(code: int, reason: str, seconds: int | None = None) -> web.Response:
    """A refusal as an API server words it. seconds: `Retry-After`."""
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code}
    headers = {"Retry-After": str(seconds)} if seconds is not None else None
    return web.json_response(body | {"message": f"by the test: {reason}"}, status=code, headers=headers)


def gone() -> web.Response:
    """The end of a watch whose version is too old."""
    error = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Expired", "code": 410}
    return web.Response(text=json.dumps({"type": "ERROR", "object": error}) + "\n")


@asynccontextmanager
async def between(lab: ControlPlane) -> AsyncIterator[Between]:
    """It listens inside, without TLS."""
    tls = ssl.create_default_context(cafile=str(lab.authority))
    found = Between()
    async with aiohttp.ClientSession(
        lab.server,
        connector=aiohttp.TCPConnector(ssl=tls, limit=0),
        timeout=aiohttp.ClientTimeout(total=None),
    ) as session:
        passing: set[asyncio.Task[web.StreamResponse]] = set()

        async def handle(request: web.Request) -> web.StreamResponse:
            if (answer := found.answer(request)) is not None:
                return answer
            task = asyncio.create_task(_passed_on(session, request, found))
            passing.add(task)
            task.add_done_callback(passing.discard)
            return await task

        application = web.Application(client_max_size=2**26)
        application.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield found
        finally:
            for task in passing:
                task.cancel()
            await asyncio.gather(*passing, return_exceptions=True)  # before their connections are closed
            await runner.cleanup()


async def _passed_on(session: aiohttp.ClientSession, request: web.Request, by: Between) -> web.StreamResponse:
    headers = {name: value for name, value in request.headers.items() if name.lower() in PASSED_ON}
    content = await request.read()
    async with session.request(request.method, request.path_qs, data=content, headers=headers) as answer:
        told = {
            name: value for name, value in answer.headers.items() if name in ("Content-Type", "Retry-After")
        }
        response = web.StreamResponse(status=answer.status, headers=told)
        await response.prepare(request)
        late, lasts = (by.late_s, by.watch_s) if is_watch(request) else (0.0, None)
        with suppress(TimeoutError):
            async with asyncio.timeout(lasts), aclosing(_late(answer.content.iter_any(), late)) as pieces:
                async for piece in pieces:
                    await response.write(piece)
        return response


async def _late(pieces: AsyncIterator[bytes], seconds: float) -> AsyncGenerator[bytes]:
    """Each piece so much later than it came."""
    time = asyncio.get_running_loop().time
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def read() -> None:
        async for piece in pieces:
            waiting.put_nowait((time() + seconds, piece))
        waiting.put_nowait((time() + seconds, b""))

    reading = asyncio.create_task(read())
    try:
        while True:
            due, piece = await waiting.get()
            await asyncio.sleep(due - time())
            if not piece:
                return
            yield piece
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
