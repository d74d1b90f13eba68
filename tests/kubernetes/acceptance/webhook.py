"""Somebody whom a step's gate asks: an acceptance test at the new version. Must not know of releases."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Judge = Callable[[dict[str, Any]], Awaitable[bool]]


@asynccontextmanager
async def asked(judge: Judge) -> AsyncIterator[str]:
    """Its URL on this machine. judge: told what the gate is about, says whether that is well."""

    async def answer(request: web.Request) -> web.Response:
        passed = await judge(json.loads(await request.read()))
        return web.Response(status=200 if passed else 500, text="well" if passed else "not well")

    application = web.Application()
    application.router.add_post("/accept", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/accept"
    finally:
        await runner.cleanup()
