"""Waiting until the cluster has come to something. Nobody tells, so it is asked again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

_PAUSE_SECONDS = 0.05
WITHIN_SECONDS = 30.0

T = TypeVar("T")


async def eventually(ask: Callable[[], Awaitable[T]], within: float = WITHIN_SECONDS) -> T:
    """The first answer that is not empty. Raises TimeoutError with the last one."""
    answer = await ask()
    try:
        async with asyncio.timeout(within):
            while not answer:
                await asyncio.sleep(_PAUSE_SECONDS)
                answer = await ask()
    except TimeoutError:
        raise TimeoutError(f"still {answer!r} after {within:g} s") from None
    return answer
