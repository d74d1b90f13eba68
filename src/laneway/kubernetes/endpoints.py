"""What a controller answers over HTTP: whether it is alive, whether it is ready, and its numbers.

Must not know what makes it so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

Answer = Callable[[], tuple[int, str, str]]
"""Status, content type and text."""


@asynccontextmanager
async def serving(places: Iterable[tuple[str, int]], answers: Mapping[str, Answer]) -> AsyncIterator[None]:
    """Inside, each path answers at each of these addresses. Raises OSError where one is taken."""
    application = web.Application()
    for path, answer in answers.items():
        application.router.add_get(path, _handler(answer))
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        for host, port in dict.fromkeys(places):
            await web.TCPSite(runner, host, port, shutdown_timeout=1.0).start()
        yield
    finally:
        await runner.cleanup()


def _handler(answer: Answer) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handled(_: web.Request) -> web.Response:
        status, content_type, text = answer()
        return web.Response(status=status, body=text.encode(), headers={"Content-Type": content_type})

    return handled
