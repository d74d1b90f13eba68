"""Metrics of one's own, out of a real Prometheus whose past each test writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.kubernetes.evidence.istio_metrics import START, second
from tests.kubernetes.evidence.running_prometheus import Series, running, write_past

from laneway.analysis.tick import Arm
from laneway.control.metrics.asking import NoDataError, ask_prometheus
from laneway.control.metrics.prometheus import NoAnswerError, Prometheus, Source
from laneway.control.metrics.sample import Counters, counted, kept
from laneway.spec.metric_source import PrometheusSource

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]


def payments(pod: str, *readings: int, revision: str = "new", **labels: str) -> Series:
    """What a pod counts, read each quarter of a minute; -1: not there."""
    at = {15.0 * index: value for index, value in enumerate(readings) if value >= 0}
    return Series("payments_total", {"revision": revision, "pod": pod} | labels, at)


PAST = [
    payments("a", 100, 150, 200, 5, state="done"),
    payments("a", -1, -1, 3, 1, state="declined"),
    payments("b", 10, 20, 30, 40, state="done"),
    payments("c", 7000, 7000, 7000, 7000, revision="old", state="done"),
]
ALL = 'payments_total{revision="new"}'
BY_POD = PrometheusSource(
    bad='payments_total{revision="new",state="declined"} # those', of=f"sum by (pod) ({ALL})"
)
SUMMED = PrometheusSource(bad='sum(payments_total{revision="new",state="declined"})', of=f"sum({ALL})")


async def grown(prometheus: Prometheus, source: PrometheusSource) -> list[Arm | None]:
    """What is counted from each reading to the next."""
    found, before = [], None
    for index in range(4):
        now = await ask_prometheus(source, prometheus, second(15 * index + 1))
        assert isinstance(now, Counters)
        if before is not None:
            found.append(counted(before, now)[0])
        before = kept(before or Counters({}, {}), now)
    return found


async def test_counters_are_added_up_and_counted_on(tmp_path: Path) -> None:
    """One that appears counts in full, one that began anew from nothing; a sum that falls counts nothing."""
    write_past(tmp_path, START, PAST)
    async with running(tmp_path) as url, Prometheus(Source(url)) as prometheus:
        assert await grown(prometheus, BY_POD) == [Arm(60, (0,)), Arm(63, (3,)), Arm(6 + 10, (1,))]
        assert await grown(prometheus, SUMMED) == [Arm(60, (0,)), Arm(63, (3,)), None]


async def test_values_and_what_is_none(tmp_path: Path) -> None:
    write_past(tmp_path, START, PAST)
    async with running(tmp_path) as url, Prometheus(Source(url)) as prometheus:

        async def value(query: str) -> object:
            return await ask_prometheus(PrometheusSource(gauge=query), prometheus, second(1))

        assert await value(f"avg({ALL})") == 55.0
        assert await value("scalar(vector(2)) # two") == 2.0
        with pytest.raises(NoDataError, match="gave 2 series, and is one value"):
            await value(ALL)
        with pytest.raises(NoDataError, match="gave nothing"):
            await value("nobody_counts_this")
        with pytest.raises(NoDataError, match="the value is nan"):
            await value(f"0 * avg({ALL}) / 0")
        with pytest.raises(NoAnswerError, match=r"^127\.0\.0\.1:\d+: answered 400: .*parse error"):
            await value("avg(")
