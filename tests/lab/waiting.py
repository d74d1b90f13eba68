"""Waiting for something that does not tell when it is so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

WITHIN_S = 60.0
PAUSE_S = 0.05


async def until(ask: Callable[[], Awaitable[bool]], what: str = "", within_s: float = WITHIN_S) -> None:
    """Ask again and again, until the answer is yes.

    Raises:
        TimeoutError: it is not so in time; `what` is said.
    """
    try:
        async with asyncio.timeout(within_s):
            while not await ask():  # noqa: ASYNC110 - it is this function that others call instead
                await asyncio.sleep(PAUSE_S)
    except TimeoutError:
        raise TimeoutError(f"not so within {within_s:.0f} s: {what or ask}") from None
