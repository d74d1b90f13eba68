"""A queue of names to be worked on: each at most once at a time, now, later, or after a failure later still.

Owns when a name comes up. It holds no objects: whoever works looks at the world as it is then. Must not know
what the work is, nor how many do it.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable, Hashable
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Generic, Protocol, TypeVar

from laneway.kubernetes.api.backoff import backoff

K = TypeVar("K", bound=Hashable)

FIRST_SECONDS = 0.25
LONGEST_SECONDS = 60.0
_STALE_MAX = 64


class Timer(Protocol):
    """A call to come."""

    def cancel(self) -> None:
        """Let it not come."""


class Clock(Protocol):
    """Seconds from some moment on, and calls at one of them. An event loop is one."""

    def time(self) -> float:
        """Now."""

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Call then, not from within this call."""


class Queue(Generic[K]):
    """One event loop's. A name that is handed out is the worker's until `done`."""

    def __init__(self, clock: Clock | None = None, jitter: Callable[[], float] = random.random) -> None:
        """clock: None for the running event loop. jitter: gives numbers of [0, 1)."""
        self._clock: Clock = clock or asyncio.get_running_loop()
        self._jitter = jitter
        self._ready: dict[K, None] = {}  # in the order in which they came
        self._working: set[K] = set()
        self._again: set[K] = set()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._failures: Counter[K] = Counter()
        self._due: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._entries = count()
        self._timer: Timer | None = None

    def __len__(self) -> int:
        """How many wait to be handed out now."""
        return len(self._ready) + len(self._again)

    def has_out(self, key: K) -> bool:
        """Whether somebody works on it."""
        return key in self._working

    def add(self, key: K) -> None:
        """Hand it out as soon as somebody asks; if it is being worked on, once more after that."""
        if key in self._working:
            self._again.add(key)
        elif key not in self._ready:
            self._ready[key] = None
            self._wake()

    def add_after(self, key: K, delay: float) -> None:
        """Add it in so many seconds."""
        self.add_at(key, self._clock.time() + delay)

    def add_at(self, key: K, when: float) -> None:
        """Add it at a moment of the clock; of several moments the earliest counts.

        None is left when it is next handed out: who works on it says anew when to look again.
        """
        if when >= self._due.get(key, float("inf")):
            return
        self._due[key] = when
        if len(self._heap) > 2 * len(self._due) + _STALE_MAX:
            self._heap = [(due, next(self._entries), name) for name, due in self._due.items()]
            heapify(self._heap)
        else:
            heappush(self._heap, (when, next(self._entries), key))
        self._arm()

    def failed(self, key: K) -> float:
        """Add it later, after each failure in a row twice as late. Returns the seconds."""
        self._failures[key] += 1
        delay = backoff(self._failures[key], FIRST_SECONDS, LONGEST_SECONDS, self._jitter())
        self.add_after(key, delay)
        return delay

    def failures(self, key: K) -> int:
        """In a row, since it was last forgotten."""
        return self._failures[key]

    def forget(self, key: K) -> None:
        """Its failures are over."""
        self._failures.pop(key, None)

    async def get(self) -> K:
        """The next name, as soon as there is one. The caller says `done` when it has been worked on."""
        while not self._ready:
            await self._turn()
        key = next(iter(self._ready))
        del self._ready[key]
        self._due.pop(key, None)
        self._working.add(key)
        if self._ready:
            self._wake()
        return key

    def done(self, key: K) -> None:
        """It is worked on no longer."""
        self._working.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    async def _turn(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was ours to take: let another have it
                self._wake()
            raise

    def _wake(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def _arm(self) -> None:
        """One timer, for the earliest moment that still counts."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heappop(self._heap)
        if self._heap:
            self._timer = self._clock.call_at(self._heap[0][0], self._come_due)

    def _come_due(self) -> None:
        self._timer = None
        now = self._clock.time()
        while self._heap and self._heap[0][0] <= now:
            when, _, key = heappop(self._heap)
            if self._due.get(key) == when:
                del self._due[key]
                self.add(key)
        self._arm()
