"""What releases want to have found out, of all apps together, and what was found out by now.

Owns whom that concerns. Must not know how requests are counted, nor how a gate is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from laneway.control.judging import Judging
from laneway.control.loop import Pass
from laneway.control.metrics.reader import MetricReader
from laneway.kubernetes.evidence.counting import Counting
from laneway.kubernetes.evidence.findings import findings
from laneway.kubernetes.evidence.watched import Watched, watched
from laneway.kubernetes.evidence.webhooks import Webhooks
from laneway.plan.observed import Evidence
from laneway.plan.result import Comparison, Finding, GateRun
from laneway.spec.meta import Key

T = TypeVar("T")

SETTLES = timedelta(seconds=60)
"""By then every proxy was scraped since its weight changed."""


class FindingOut:
    """Of one cluster. counting: None where there is no Prometheus to ask."""

    def __init__(
        self,
        counting: Counting | None,
        webhooks: Webhooks,
        now: Callable[[], datetime],
        own_metrics: MetricReader | None = None,
    ) -> None:
        """own_metrics: reads what Apps name beside their requests; only while these are counted."""
        self._own_metrics = own_metrics or MetricReader(now=now)
        self._counting = counting
        self._webhooks = webhooks
        self._now = now
        self._judging = Judging(SETTLES)
        self._comparisons: dict[Key, tuple[Comparison, ...]] = {}
        self._callbacks: list[Callable[[frozenset[Key]], None]] = []
        if counting:
            counting.after_each(self._judge)
        self._watches: dict[Key, tuple[Watched, ...]] = {}
        self._gates: dict[Key, tuple[GateRun, ...]] = {}

    def subscribe(self, callback: Callable[[frozenset[Key]], None]) -> None:
        """Be called with the apps about which something was found out."""
        self._callbacks.append(callback)
        self._webhooks.subscribe(callback)
        if self._counting:
            self._counting.subscribe(callback)

    async def run(self) -> None:
        """Find out, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._webhooks.run())
            if self._counting:
                tasks.create_task(self._counting.run())
                tasks.create_task(self._own_metrics.run())

    def evidence(self) -> Evidence:
        """What was found out by now."""
        counts = self._counting.counts if self._counting else {}
        return Evidence(self._webhooks.results, counts, self._judging.judged)

    def _judge(self) -> None:
        """Take in what was counted; tell of the apps about whose release something is known anew."""
        assert self._counting, "only who counts calls this"
        known = self._judging.read(
            self._counting.counts,
            self._now(),
            answers=not self._counting.trouble,
            others=self._own_metrics.read,
        )
        apps = {
            each.watch.app for of in self._watches.values() for each in of if each.watch.id.release in known
        }
        if apps:
            for callback in self._callbacks:
                callback(frozenset(apps))

    def planned(self, apps: tuple[Key, ...], seen: Pass) -> None:
        """What these apps, planned together, want to know from now on."""
        for app in apps[1:]:
            self.forget(app)
        self._want(apps[0], watched(seen.planned.watches, seen.spec), seen.planned.gates)
        self._compare(apps[0], seen.planned.comparisons)

    def forget(self, app: Key) -> None:
        """It wants to know nothing any more."""
        self._want(app, (), ())
        self._compare(app, ())

    def _compare(self, app: Key, comparisons: tuple[Comparison, ...]) -> None:
        if self._comparisons.get(app, ()) != comparisons:
            _put(self._comparisons, app, comparisons)
            all_of_them = [each for these in self._comparisons.values() for each in these]
            self._judging.set(all_of_them)
            self._own_metrics.set(all_of_them)

    def remarks(self, app: Key, seen: Pass) -> tuple[Finding, ...]:
        """What is not found out that an App asks for."""
        if app not in seen.spec.apps:
            return ()
        known = next((each.id for each in seen.planned.watches if each.app == app), None)
        counts = self._counting.counts.get(known) if self._counting and known else None
        trouble = self._counting.trouble if self._counting else ""
        return findings(seen.spec.apps[app], counts, self._counting is not None, trouble)

    def _want(self, app: Key, watches: tuple[Watched, ...], gates: tuple[GateRun, ...]) -> None:
        if self._watches.get(app, ()) != watches:
            _put(self._watches, app, watches)
            if self._counting:
                self._counting.set(each for these in self._watches.values() for each in these)
        if self._gates.get(app, ()) != gates:
            _put(self._gates, app, gates)
            self._webhooks.set(each for these in self._gates.values() for each in these)


def _put(kept: dict[Key, tuple[T, ...]], app: Key, value: tuple[T, ...]) -> None:
    if value:
        kept[app] = value
    else:
        kept.pop(app, None)
