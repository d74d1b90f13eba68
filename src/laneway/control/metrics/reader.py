"""Reads the metrics of one's own while a release is judged by them: each source by itself, every few seconds.

A source that hangs holds up nobody: it has its own task, and a bounded time. Must not know what is made of
what is read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial

from laneway.analysis.tick import Answer, Said
from laneway.control.metrics.asking import ANSWER_BYTES_MAX, NoDataError, ask_prometheus, ask_web
from laneway.control.metrics.prometheus import NoAnswerError, Prometheus, Source
from laneway.control.metrics.sample import Counters, MetricId, Read, Sample
from laneway.plan.result import Asked, Comparison
from laneway.spec.metric_source import PrometheusSource, WebSource

EVERY_SECONDS = 5.0
"""From one question to the next, of a version and a metric."""
ANSWER_SECONDS_MAX = 4.0
_TEXT_LENGTH_MAX = 200

NO_PROMETHEUS = NoAnswerError("the engine has no Prometheus of its own: write `url`")

log = logging.getLogger(__name__)

_Tried = Sample | NoAnswerError | NoDataError
Ask = Callable[[PrometheusSource | WebSource, datetime], Awaitable[Sample]]


class MetricReader:
    """The sources that are being asked, and what they said last. For one event loop."""

    def __init__(
        self,
        prometheus: Callable[[], Prometheus] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        every_seconds: float = EVERY_SECONDS,
        answer_seconds: float = ANSWER_SECONDS_MAX,
    ) -> None:
        """prometheus: makes a client of the engine's own; None where there is none."""
        self._prometheus = prometheus
        self._now = now
        self._every = every_seconds
        self._answer_seconds = answer_seconds
        self._wanted: dict[MetricId, Asked] = {}
        self._tasks: dict[MetricId, asyncio.Task[None]] = {}
        self._read: dict[MetricId, Read] = {}
        self._group: asyncio.TaskGroup | None = None

    @property
    def read(self) -> Mapping[MetricId, Read]:
        """What each said last, of those that have been asked."""
        return self._read

    def set(self, comparisons: Iterable[Comparison]) -> None:
        """What shall be read from now on, and nothing else."""
        wanted = {
            MetricId(each.release, each.since, asked.metric): asked
            for each in comparisons
            for asked in each.asked
        }
        for known in [known for known, asked in self._wanted.items() if wanted.get(known) != asked]:
            self._read.pop(known, None)
            if task := self._tasks.pop(known, None):
                task.cancel()
        self._wanted = wanted
        self._start()

    async def run(self) -> None:
        """Read what shall be read, until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._group:
                self._start()
                await asyncio.Event().wait()
        finally:
            self._group = None
            self._tasks.clear()

    def _start(self) -> None:
        if self._group is None:
            return
        for known, asked in self._wanted.items():
            if known not in self._tasks:
                self._tasks[known] = self._group.create_task(self._follow(known, asked))

    async def _follow(self, known: MetricId, asked: Asked) -> None:
        """Ask again and again."""
        clock = asyncio.get_running_loop().time
        async with AsyncExitStack() as stack:
            ask = await self._client(asked, stack)
            while True:
                began = clock()
                before, found = self._read.get(known), await self._once(asked, ask)
                self._read[known] = found
                if found.said.answer is Answer.SILENT and (before is None or before.said != found.said):
                    log.warning("release %s, metric %s: %s", known.release, known.metric, found.said.why)
                await asyncio.sleep(max(0.0, began + self._every - clock()))

    async def _client(self, asked: Asked, stack: AsyncExitStack) -> Ask:
        """What asks this metric's source; it is open until the stack's end."""
        if not isinstance(asked.canary, PrometheusSource):
            return self._ask_web
        # Only the engine's own is shown the engine's token.
        url, own = asked.canary.url, self._prometheus
        if url is None and own is None:
            return partial(_ask_in_vain, NO_PROMETHEUS)
        try:
            prometheus = own() if url is None and own else Prometheus(Source(url or ""), ANSWER_BYTES_MAX)
        except NoAnswerError as error:
            return partial(_ask_in_vain, error)
        client = await stack.enter_async_context(prometheus)

        async def ask(source: PrometheusSource | WebSource, moment: datetime) -> Sample:
            assert isinstance(source, PrometheusSource), "a metric's two questions are of one kind"
            return await ask_prometheus(source, client, moment)

        return ask

    async def _ask_web(self, source: PrometheusSource | WebSource, moment: datetime) -> Sample:
        assert isinstance(source, WebSource), "a metric's two questions are of one kind"
        return await ask_web(source, self._answer_seconds)

    async def _once(self, asked: Asked, ask: Ask) -> Read:
        """Both versions, at one moment."""
        moment = self._now()
        try:
            async with asyncio.timeout(self._answer_seconds):
                canary, stable = await asyncio.gather(
                    _tried(ask, asked.canary, moment), _tried(ask, asked.stable, moment)
                )
        except TimeoutError:
            return Read(moment, Said(Answer.SILENT, f"no answer within {self._answer_seconds:g} s"))
        return _read(moment, canary, stable)


async def _ask_in_vain(
    error: NoAnswerError, source: PrometheusSource | WebSource, moment: datetime
) -> Sample:
    raise NoAnswerError(str(error))


async def _tried(ask: Ask, source: PrometheusSource | WebSource, moment: datetime) -> _Tried:
    try:
        return await ask(source, moment)
    except (NoAnswerError, NoDataError) as error:
        return error


def _read(moment: datetime, canary: _Tried, stable: _Tried) -> Read:
    """The samples, and what is said of them: a source that is silent about one version is silent."""
    sides = {"the canary": canary, "stable": stable}
    for kind, answer in ((NoAnswerError, Answer.SILENT), (NoDataError, Answer.ABSENT)):
        for side, found in sides.items():
            if isinstance(found, kind):
                return Read(moment, Said(answer, f"{side}: {_short(found)}"))
    assert not isinstance(canary, Exception) and not isinstance(stable, Exception), "all errors are told"
    empty = [side for side, found in sides.items() if isinstance(found, Counters) and not found.of]
    said = Said(Answer.ABSENT, f"no series of {' and '.join(empty)}") if empty else Said(Answer.DATA)
    return Read(moment, said, canary, stable)


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= _TEXT_LENGTH_MAX else f"{text[: _TEXT_LENGTH_MAX - 1]}…"
