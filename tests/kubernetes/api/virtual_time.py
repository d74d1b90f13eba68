"""An event loop whose clock jumps to the next thing that waits: tests of hours take no time and never sleep.

For code that waits for the loop's clock alone; what comes from outside comes while nothing waits.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, ParamSpec

P = ParamSpec("P")
_SETTLING_TURNS = 50


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Time begins at 1000 s, so that nothing takes it for a duration."""

    def __init__(self) -> None:
        self._now = 1000.0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        """Seconds of its own."""
        return self._now

    def jump(self, seconds: float) -> None:
        """Let so much time pass."""
        self._now += seconds


class _Jumping(selectors.DefaultSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if found or timeout == 0:
            return found
        if timeout is None:
            raise RuntimeError("everything waits, and nothing will come")
        self._loop.jump(timeout)
        return []


def virtual_time(test: Callable[P, Awaitable[Any]]) -> Callable[P, None]:
    """Run a test on such a loop."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def story() -> None:
            await test(*args, **kwargs)

        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(story())

    return run


async def settled() -> None:
    """Let all that is ready happen; no time passes."""
    for _ in range(_SETTLING_TURNS):
        await asyncio.sleep(0)


def now() -> float:
    """The running loop's time."""
    return asyncio.get_running_loop().time()
