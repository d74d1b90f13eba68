"""Counts of requests that a real Envoy took, read by a real Prometheus; see `translated` for the names."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from tests.kubernetes.evidence.calling_envoy import Caller, pharmacy
from tests.kubernetes.evidence.istio_metrics import APP, REVISION
from tests.kubernetes.evidence.running_prometheus import running
from tests.kubernetes.evidence.translated import job
from tests.lab.waiting import until
from tests.local.eventually import eventually

from laneway.control.metrics.prometheus import Prometheus, Source
from laneway.kubernetes.evidence.counting import Counting
from laneway.kubernetes.evidence.findings import ISTIO_EDGES_MS
from laneway.kubernetes.evidence.watched import Watched
from laneway.plan.observed import Counts, CountsId
from laneway.plan.result import Watch
from laneway.spec.meta import Key
from laneway.spec.values import LATENCY_EDGES_MS

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

SCRAPED = "200ms"
STABLE = "0000stable"


@dataclass
class Setting:
    """A caller's Envoy and the Prometheus that reads it."""

    caller: Caller
    url: str

    async def read(self) -> float:
        """When the proxy was read last, in seconds since the epoch; 0: never."""
        async with Prometheus(Source(self.url)) as prometheus:
            found = await prometheus.at("max(timestamp(istio_requests_total))", datetime.now(UTC))
        return found[0].values[0] if found else 0

    async def read_again(self) -> None:
        """Returns when the proxy has been read since this call."""
        before = await self.read()

        async def again() -> bool:
            return await self.read() > before

        await until(again, "the proxy is read again", within_s=30)


@pytest.fixture
async def setting(tmp_path: Path) -> AsyncIterator[Setting]:
    """The caller has asked before: what a count finds at its beginning."""
    async with pharmacy() as backend:
        caller = Caller(tmp_path, backend, REVISION, STABLE)
        await caller.start()
        try:
            await caller.ask(REVISION, "/503", 7)
            async with running(tmp_path, [job([f"127.0.0.1:{caller.admin}"], SCRAPED)]) as url:
                made = Setting(caller, url)
                await made.read_again()
                yield made
        finally:
            await caller.stop()


@asynccontextmanager
async def counting(setting: Setting, *watches: Watched) -> AsyncIterator[Counting]:
    """A count that runs inside, as that of a controller that has just started."""
    count = Counting(Prometheus(Source(setting.url)))
    count.set(watches)
    task = asyncio.create_task(count.run())
    try:
        yield count
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def watching(setting: Setting) -> Watched:
    """The pharmacy's requests from now on, of a proxy that is read once more before any."""
    known = CountsId(Key("shop", "pharmacy-1"), datetime.now(UTC))
    await setting.read_again()
    return Watched(Watch(known, APP, REVISION), frozenset({250}))


async def comes_to(count: Counting, each: Watched, requests: int, errors: int, within: float = 10) -> None:
    """Returns once so much is counted; an answer within the machine takes no 250 ms."""
    wanted = Counts(requests, errors, requests, {250: requests})
    await eventually(lambda: count.counts.get(each.watch.id) == wanted, within)


async def test_each_request_is_counted_once_and_again_by_a_controller_that_starts(setting: Setting) -> None:
    each = await watching(setting)
    async with counting(setting, each) as count:
        await comes_to(count, each, 0, 0)
        await setting.caller.ask(REVISION, "/200", 20)
        await setting.caller.ask(REVISION, "/404", 3)
        await setting.caller.ask(REVISION, "/500", 4)
        await setting.caller.ask(STABLE, "/500", 50)
        await comes_to(count, each, 27, 4)
    async with counting(setting, each) as count:
        await comes_to(count, each, 27, 4)
        await setting.caller.ask(REVISION, "/503", 2)
        await comes_to(count, each, 29, 6)


async def test_a_proxy_that_starts_again_takes_nothing_with_it(setting: Setting) -> None:
    each = await watching(setting)
    async with counting(setting, each) as count:
        await setting.caller.ask(REVISION, "/500", 9)
        await comes_to(count, each, 9, 9)
        await setting.caller.stop()
        await setting.caller.start()
        await setting.caller.ask(REVISION, "/500", 2)
        await comes_to(count, each, 11, 11)


async def test_proxies_count_at_the_latencies_that_guardrails_may_name(setting: Setting) -> None:
    """Envoy's own buckets, which Istio leaves as they are."""
    async with httpx2.AsyncClient() as client:
        text = (await client.get(f"http://127.0.0.1:{setting.caller.admin}/stats/prometheus")).text
    edges = {float(found) for found in re.findall(r'upstream_rq_time_bucket{.*le="([0-9.e+]+)"}', text)}
    assert {int(edge) for edge in edges if edge in LATENCY_EDGES_MS} == ISTIO_EDGES_MS
