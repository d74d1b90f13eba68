"""An open-loop load: requests leave on schedule, whether or not earlier ones came back, as users do.

A closed loop would slow down with the system and so hide its pauses. Latency counts from the time a request
was due; whatever is not a success in time is a failure. Must not know what the system behind the address is.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Protocol, TypeVar

from laneway.local.http1 import Address, Connection, Request, Response

Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """One request and what became of it. due_s: seconds since the load began; status: 0 without an answer;

    label: what the answer says it is (its version); error: why it counts as failed, else empty.
    """

    due_s: float
    latency_s: float
    status: int
    label: str = ""
    error: str = ""
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of a set of requests. wrong: succeeded, with an answer that the reader found wrong."""

    requests: int
    failed: int
    wrong: int
    labels: Mapping[str, int]
    errors: Mapping[str, int]
    p50_ms: float
    p99_ms: float
    max_ms: float

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Counts:
        """Counts of these samples; latencies by nearest rank."""
        latencies = sorted(sample.latency_s * 1000 for sample in samples) or [0.0]
        return cls(
            requests=len(samples),
            failed=sum(1 for sample in samples if sample.error),
            wrong=sum(1 for sample in samples if sample.wrong),
            labels=Counter(sample.label for sample in samples if not sample.error),
            errors=Counter(sample.error for sample in samples if sample.error),
            p50_ms=_nearest_rank(latencies, 50),
            p99_ms=_nearest_rank(latencies, 99),
            max_ms=latencies[-1],
        )

    def share(self, label: str) -> float:
        """The part of the successful requests with this label, from 0 to 1."""
        succeeded = self.requests - self.failed
        return self.labels.get(label, 0) / succeeded if succeeded else 0.0


def _nearest_rank(ordered: Sequence[float], percent: int) -> float:
    rank = -(-percent * len(ordered) // 100)
    return ordered[max(0, rank - 1)]


def version_of(answer: Answer) -> str:
    """The label of an answer unless another reader is given."""
    return str(answer.get("version", ""))


def never_wrong(answer: Answer) -> bool:
    """The judge of an answer's content where none is given."""
    del answer
    return False


@dataclass(frozen=True, slots=True)
class Profile:
    """What to send. rate: requests per second; timeout_s: from the time a request was due;

    fresh_every: each such request has a connection of its own, the others share kept ones; body_every: each
    such request carries a body.
    """

    request: Request
    rate: float
    timeout_s: float = 5.0
    fresh_every: int = 10
    body_every: int = 7
    body_bytes: int = 4096

    def numbered(self, number: int) -> Request:
        """The request of this number, counted from 1."""
        with_body = number % self.body_every == 0
        return replace(self.request, body=b"x" * self.body_bytes) if with_body else self.request


class Load:
    """A load on one address. `samples` grows as requests end, in the order in which they end."""

    def __init__(
        self,
        address: Address,
        profile: Profile,
        label: Callable[[Answer], str] = version_of,
        wrong: Callable[[Answer], bool] = never_wrong,
    ) -> None:
        self.samples: list[Sample] = []
        self._address, self._profile = address, profile
        self._label, self._wrong = label, wrong
        self._kept: deque[Connection] = deque()
        self._began_s = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the load began: the clock of `Sample.due_s`."""
        return time.monotonic() - self._began_s

    def counts(self, last_s: float | None = None) -> Counts:
        """Counts so far, or of the requests due within the last seconds before the newest sample."""
        samples = list(self.samples)
        if last_s is not None and samples:
            since_s = samples[-1].due_s - last_s
            samples = [sample for sample in samples if sample.due_s >= since_s]
        return Counts.of(samples)

    async def run(self, stop: threading.Event) -> None:
        """Sends until `stop` is set, then waits for what is on its way, so that every request counts."""
        self._began_s = time.monotonic()
        async with asyncio.TaskGroup() as requests:
            for number in count(1):
                due_s = (number - 1) / self._profile.rate
                await asyncio.sleep(due_s - self.elapsed_s)
                if stop.is_set():
                    break
                requests.create_task(self._send(number, due_s))
        for connection in self._kept:
            connection.close()

    async def _send(self, number: int, due_s: float) -> None:
        response, error = None, ""
        try:
            async with asyncio.timeout(due_s + self._profile.timeout_s - self.elapsed_s):
                response = await self._exchange(number)
        except TimeoutError:
            error = f"no answer within {self._profile.timeout_s:g}s"
        except OSError as failure:
            error = f"{type(failure).__name__}: {failure}"
        self.samples.append(self._sample(due_s, self.elapsed_s - due_s, response, error))

    async def _exchange(self, number: int) -> Response:
        request = self._profile.numbered(number).encoded()
        if number % self._profile.fresh_every == 0:
            connection = await Connection.open(self._address)
            try:
                return await connection.ask(request)
            finally:
                connection.close()
        connection = self._take() or await Connection.open(self._address)
        response = await connection.ask(request)
        self._kept.append(connection)
        return response

    def _take(self) -> Connection | None:
        while self._kept:
            connection = self._kept.pop()
            if connection.usable:
                return connection
        return None

    def _sample(self, due_s: float, latency_s: float, response: Response | None, error: str) -> Sample:
        if response is None:
            return Sample(due_s, latency_s, 0, error=error)
        if response.status != 200:
            return Sample(due_s, latency_s, response.status, error=_failure(response))
        try:
            answer = json.loads(response.body)
        except ValueError:
            return Sample(due_s, latency_s, response.status, error="200 without JSON")
        return Sample(due_s, latency_s, 200, self._label(answer), wrong=self._wrong(answer))


def _failure(response: Response) -> str:
    said = response.body[:200].decode(errors="replace").strip()
    return f"{response.status} {said}"


class Sends(Protocol):
    """Any load that can be told to stop."""

    async def run(self, stop: threading.Event) -> None:
        """Sends until `stop` is set, then waits for what is on its way."""


_S = TypeVar("_S", bound=Sends)


@contextmanager
def in_background(load: _S) -> Iterator[_S]:
    """Runs the load in a thread while the block lasts; after it, every request has been counted."""
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="load") as thread:
        running = thread.submit(asyncio.run, load.run(stop))
        try:
            yield load
        finally:
            stop.set()
            running.result()
