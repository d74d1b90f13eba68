"""Counts the requests to revisions that are released, by asking Prometheus while there are any.

Nothing is kept: Prometheus has the readings, and a controller that starts counts again from them. Must not
know what the counts lead to.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic

from laneway.control.metrics.prometheus import NoAnswerError, Prometheus, Row
from laneway.kubernetes.evidence.growth import Growth, growth_of
from laneway.kubernetes.evidence.questions import Over, Target, durations, requests
from laneway.kubernetes.evidence.stretches import Stretch, settled, unsettled
from laneway.kubernetes.evidence.watched import Watched
from laneway.plan.observed import Counts, CountsId, Side
from laneway.spec.meta import Key

EVERY_SECONDS = 0.5
"""How soon after a scrape its counts are known; a Prometheus that takes longer is asked less often."""
SHARE_MAX = 0.1
"""Of its time, that a Prometheus spends on these questions."""
PAUSE_SECONDS_MAX = 5.0
_AT_ONCE = 4

log = logging.getLogger(__name__)
Changed = Callable[[frozenset[Key]], None]


@dataclass(slots=True)
class _Tally:
    """What is counted for good until `until`, and the rest; None: not known yet."""

    until: datetime
    base: Growth = field(default_factory=Growth)
    rest: Growth | None = None


class Counting:
    """The revisions whose requests are counted. For one event loop."""

    def __init__(
        self, prometheus: Prometheus, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._prometheus = prometheus
        self._now = now
        self._tallies: dict[Watched, _Tally] = {}
        self._counts: dict[CountsId, Counts] = {}
        self._callbacks: list[Changed] = []
        self._readers: list[Callable[[], None]] = []
        self._wanted = asyncio.Event()
        self._few = asyncio.Semaphore(_AT_ONCE)
        self._trouble = self._refused = ""

    @property
    def counts(self) -> Mapping[CountsId, Counts]:
        """What was counted so far; nothing where nobody has answered yet."""
        return self._counts

    @property
    def trouble(self) -> str:
        """Why Prometheus gives no counts; empty where it does."""
        return self._trouble

    def subscribe(self, callback: Changed) -> None:
        """Be called with the apps whose counts have changed, or with all when the trouble comes or goes."""
        self._callbacks.append(callback)

    def after_each(self, callback: Callable[[], None]) -> None:
        """Be called after each reading, whatever came of it."""
        self._readers.append(callback)

    def set(self, watches: Iterable[Watched]) -> None:
        """What shall be counted from now on, and nothing else."""
        before = self._tallies
        self._tallies = {each: before.get(each) or _Tally(each.watch.id.since) for each in watches}
        ids = {each.watch.id for each in self._tallies} - self._otherwise_counted(before)
        self._counts = {known: counts for known, counts in self._counts.items() if known in ids}
        if self._tallies:
            self._wanted.set()
        else:
            self._wanted.clear()
            self._trouble = ""

    def _otherwise_counted(self, before: Collection[Watched]) -> AbstractSet[CountsId]:
        """What was counted by other codes: the counts of before are of no use."""
        codes = {each.watch.id: each.watch.codes for each in before}
        return {
            each.watch.id
            for each in self._tallies
            if codes.get(each.watch.id, each.watch.codes) != each.watch.codes
        }

    async def run(self) -> None:
        """Count while there is anything to count; until cancelled."""
        async with self._prometheus:
            while True:
                await self._wanted.wait()
                began = monotonic()
                await self.read()
                await asyncio.sleep(pause_seconds(monotonic() - began))

    async def read(self) -> None:
        """Ask once for everything that is watched. What is not answered stays as it was."""
        now, counts, trouble = self._now(), self._counts, self._trouble
        self._refused = ""
        await self._settle(now)
        rests = {each: unsettled(each.watch.id.since, tally.until, now) for each, tally in self._all()}
        for each, growth in (await self._grown(rests)).items():
            self._tallies[each].rest = growth
        self._counts = self._summed()
        self._trouble = self._refused if self._tallies else ""
        if self._trouble and self._trouble != trouble:
            log.warning("%s gives no counts: %s", self._prometheus.url, self._trouble)
        self._tell(counts, everybody=bool(trouble) != bool(self._trouble))
        for callback in self._readers:
            callback()

    async def _settle(self, now: datetime) -> None:
        """Count for good what has settled."""
        while not self._refused:
            due = {each: settled(each.watch.id.since, tally.until, now) for each, tally in self._all()}
            found = await self._grown(due)
            for each, growth in found.items():
                stretch, tally = due[each], self._tallies[each]
                assert stretch is not None, "only what was asked for is answered"
                tally.base, tally.until, tally.rest = tally.base + growth, stretch.end, None
            if not found:
                return

    async def _grown(self, asked: Mapping[Watched, Stretch | None]) -> dict[Watched, Growth]:
        """By how much each grew that is still watched then; nothing of those for which nobody answers."""
        groups: defaultdict[Stretch, list[Watched]] = defaultdict(list)
        for each, stretch in asked.items():
            if stretch is not None:
                groups[stretch].append(each)
        answers = await asyncio.gather(*(self._group(*group) for group in groups.items()))
        return {each: growth for found in answers for each, growth in found.items() if each in self._tallies}

    async def _group(self, stretch: Stretch, group: list[Watched]) -> dict[Watched, Growth]:
        targets = {each.target for each in group}
        edges = {edge for each in group for edge in each.edges}
        try:
            async with self._few:
                counted = await self._asked(stretch, requests(targets, _over(stretch)))
                timed = await self._durations(stretch, targets, edges)
        except NoAnswerError as error:
            self._refused = str(error)
            return {}
        return {
            each: growth_of(each.target, counted, timed, _unreached(each), each.watch.codes) for each in group
        }

    async def _durations(
        self, stretch: Stretch, targets: Collection[Target], edges: Collection[int]
    ) -> list[Row]:
        if not edges:
            return []
        return await self._asked(stretch, durations(targets, edges, _over(stretch)))

    async def _asked(self, stretch: Stretch, query: str) -> list[Row]:
        first = stretch.start + stretch.step
        if first == stretch.end:
            return await self._prometheus.at(query, stretch.end)
        return await self._prometheus.between(query, first, stretch.end, stretch.step)

    def _all(self) -> list[tuple[Watched, _Tally]]:
        return list(self._tallies.items())

    def _summed(self) -> dict[CountsId, Counts]:
        """Of each release over its apps; as it was where not all of it is known."""
        growths: defaultdict[CountsId, list[Growth | None]] = defaultdict(list)
        for each, tally in self._tallies.items():
            growths[each.watch.id].append(None if tally.rest is None else tally.base + tally.rest)
        found = {}
        for known, parts in growths.items():
            whole = [part for part in parts if part is not None]
            if len(whole) == len(parts):
                found[known] = sum(whole, Growth()).counts
            elif known in self._counts:
                found[known] = self._counts[known]
        return found

    def _tell(self, before: Mapping[CountsId, Counts], everybody: bool) -> None:
        concerned = frozenset(
            each.watch.app
            for each in self._tallies
            if everybody or self._counts.get(each.watch.id) != before.get(each.watch.id)
        )
        if concerned:
            for callback in self._callbacks:
                callback(concerned)


def _unreached(watched: Watched) -> bool:
    return watched.watch.id.side is Side.CANARY


def _over(stretch: Stretch) -> Over:
    return Over(stretch.step, stretch.lead)


def pause_seconds(took: float) -> float:
    """How long to leave Prometheus alone after questions that took so many seconds."""
    return min(PAUSE_SECONDS_MAX, max(EVERY_SECONDS, took * (1 - SHARE_MAX) / SHARE_MAX))
