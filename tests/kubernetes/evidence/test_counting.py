"""Counts of requests, out of a real Prometheus whose past each test writes, at moments that it chooses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.kubernetes.evidence.istio_metrics import (
    APP,
    REVISION,
    START,
    answered,
    second,
    timed,
    unreachable,
    watching,
)
from tests.kubernetes.evidence.running_prometheus import Series, free_port, running, write_past

from laneway.control.metrics.prometheus import Prometheus, Source
from laneway.kubernetes.evidence.counting import Counting, pause_seconds
from laneway.kubernetes.evidence.watched import Watched
from laneway.plan.observed import Counts, CountsId, Side
from laneway.plan.result import Watch
from laneway.spec.meta import Key

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]


class Asked:
    """A count that a test looks at, at moments of its own."""

    def __init__(self, prometheus: Prometheus) -> None:
        self.prometheus = prometheus
        self.counting = self._new()
        self.told: list[frozenset[Key]] = []

    def _new(self) -> Counting:
        self.now = START
        return Counting(self.prometheus, lambda: self.now)

    def restart(self) -> None:
        """As a controller that was killed."""
        self.counting = self._new()

    async def at(self, moment: float, *watches: Watched) -> Counts | None:
        """What is counted at that second."""
        self.now = second(moment)
        self.counting.set(watches)
        await self.counting.read()
        return self.counting.counts.get(watches[0].watch.id)


@asynccontextmanager
async def past(folder: Path, *series: Series) -> AsyncIterator[Asked]:
    """A Prometheus that has read these."""
    write_past(folder, START, series)
    async with running(folder) as url, Prometheus(Source(url)) as prometheus:
        yield Asked(prometheus)


def every(seconds: int, *values: int, begin: int = 0) -> dict[float, int]:
    """Readings at regular moments."""
    return {begin + seconds * number: value for number, value in enumerate(values)}


async def test_a_counter_that_is_new_counts_in_full(tmp_path: Path) -> None:
    async with past(tmp_path, answered({65: 40, 80: 60}), answered({80: 3}, "503")) as asked:
        assert await asked.at(70, watching(60)) == Counts(40, 0)
        assert await asked.at(81, watching(60)) == Counts(63, 3)


async def test_what_was_counted_before_does_not_count(tmp_path: Path) -> None:
    """A step that begins between two readings of an old counter begins for it with the second one."""
    old = answered({45: 100, 60: 110, 75: 125, 90: 140}, "500")
    async with past(tmp_path, old) as asked:
        assert await asked.at(62, watching(61)) == Counts()
        assert await asked.at(76, watching(61)) == Counts()
        assert await asked.at(91, watching(61)) == Counts(15, 15)


async def test_a_counter_that_is_smaller_than_before_began_anew(tmp_path: Path) -> None:
    readings = every(15, 10, 100, 110, 120, 7, 9, begin=-30) | {300: 20}
    async with past(tmp_path, answered(readings)) as asked:
        assert await asked.at(400, watching(-35)) == Counts(140, 0)


async def test_a_proxy_that_starts_again_between_two_looks_takes_nothing_with_it(tmp_path: Path) -> None:
    """Of a counter that is new, and of such as were read before the count began."""
    new = answered({52: 9, 53: 40, 55: 2}, "500", pod="page-1")
    known = answered({30: 7, 52: 9, 53: 40, 55: 2, 59: 4}, "500", pod="page-2")
    old = answered({30: 70, 53: 1, 54: 5}, "500", pod="page-3")
    async with past(tmp_path, new, known, old) as asked:
        for moment in (58, 70, 400):
            counts = await asked.at(moment, watching(50))
            assert counts is not None
            assert counts.errors == 42 + (40 - 7) + (2 if moment < 59 else 4) + 5


async def test_a_caller_that_goes_takes_nothing_with_it_and_may_come_back(tmp_path: Path) -> None:
    """Its pod was away for longer than a query looks back of itself."""
    readings = {60.0: 5, 75.0: 25, 900.0: 30}
    async with past(tmp_path, answered(readings), answered({70: 1, 900: 1}, pod="page-2")) as asked:
        assert await asked.at(300, watching(50)) == Counts(26, 0)
        assert await asked.at(901, watching(50)) == Counts(31, 0)


async def test_readings_that_are_missing_change_nothing(tmp_path: Path) -> None:
    """Nothing was read for minutes: that neither passes nor fails anything, and is not counted twice."""
    async with past(tmp_path, answered({60: 50, 75: 60, 600: 90}, "503")) as asked:
        seen = [await asked.at(moment, watching(50)) for moment in (76, 200, 400, 601)]
        assert seen == [Counts(60, 60)] * 3 + [Counts(90, 90)]


async def test_counts_are_the_same_after_a_restart_and_whenever_they_were_looked_at(tmp_path: Path) -> None:
    """Proxies that start again, come and go over an hour."""
    series = [
        answered({15 * n + 3: (7 * n) % 400 for n in range(300)}),
        answered({15 * n + 8: n for n in range(300)}, "503"),
        answered({15 * n + 9: 5 * (n - 100) for n in range(100, 180)}, pod="page-2"),
    ]
    async with past(tmp_path, *series) as asked:
        for moment in range(610, 4200, 97):
            gradual = await asked.at(moment, watching(601))
        asked.restart()
        assert await asked.at(moment, watching(601)) == gradual
        assert gradual is not None
        assert gradual.requests > 2000


async def test_only_5xx_no_answer_and_grpc_statuses_of_the_server_are_errors(tmp_path: Path) -> None:
    found = [
        *(answered({60: 1}, code) for code in ("200", "404", "429", "101")),
        *(answered({60: 10}, code) for code in ("500", "503", "0")),
        *(answered({60: 1}, grpc_response_status=status) for status in ("0", "1", "3", "5", "16")),
        *(answered({60: 100}, grpc_response_status=status) for status in ("2", "4", "12", "13", "14", "15")),
        answered({60: 10_000}, "503", grpc_response_status="14"),
    ]
    async with past(tmp_path, *found) as asked:
        assert await asked.at(61, watching(50)) == Counts(10_639, 10_630)


async def test_requests_of_others_do_not_count(tmp_path: Path) -> None:
    others = [
        answered({60: 1}, "500", revision="00000stable"),
        answered({60: 1}, "500", reporter="destination"),
        answered({60: 1}, "500", destination_service="pharmacy.test.svc.cluster.local"),
        answered({60: 1}, "500", destination_service="pharmacy-blue.shop.svc.cluster.local"),
    ]
    async with past(tmp_path, *others, answered({60: 2})) as asked:
        assert await asked.at(61, watching(50)) == Counts(2, 0)


async def test_a_request_that_reached_no_healthy_pod_counts_for_the_released_revision(tmp_path: Path) -> None:
    """Istio knows no revision of it. That of one which was let through by no circuit breaker is unknown."""
    failed = [unreachable({60: 4}), unreachable({60: 8}, "UH,URX"), unreachable({60: 100}, "UO")]
    async with past(tmp_path, *failed, answered({60: 2})) as asked:
        assert await asked.at(61, watching(50)) == Counts(14, 12)


async def test_what_reached_no_pod_is_not_held_against_stable(tmp_path: Path) -> None:
    """Which a judge compares with: no evidence may be in both arms."""
    async with past(tmp_path, unreachable({60: 4}), answered({60: 2}, revision="stable")) as asked:
        watch = Watch(CountsId(Key("shop", "pharmacy-1"), second(50), Side.STABLE), APP, "stable")
        assert await asked.at(61, Watched(watch)) == Counts(2, 0)


async def test_requests_that_took_longer_are_counted_at_each_edge(tmp_path: Path) -> None:
    """Prometheus 3 writes an edge with a decimal; what was timed before does not count."""
    series = [
        timed({45: 1000, 60: 1000, 75: 1010}, "+Inf"),
        timed({45: 0, 60: 0, 75: 4}, "250"),
        timed({45: 0, 60: 0, 75: 7}, "1000.0"),
        timed({75: 5}, "+Inf", pod="page-2"),
        timed({75: 5}, "250", pod="page-2"),
        timed({75: 5}, "1000.0", pod="page-2"),
    ]
    async with past(tmp_path, *series) as asked:
        counts = await asked.at(76, watching(50, 250, 1000))
        assert counts == Counts(timed=15, within={250: 9, 1000: 12})


async def test_a_proxy_that_does_not_count_at_an_edge_has_no_slow_requests(tmp_path: Path) -> None:
    """And where no proxy does, nothing is said of it."""
    series = [timed({60: 9}, "+Inf"), timed({60: 6}, "500"), timed({60: 5}, "+Inf", pod="page-2")]
    async with past(tmp_path, *series) as asked:
        assert await asked.at(61, watching(50, 500, 300)) == Counts(timed=14, within={500: 11})


async def test_a_latency_that_is_asked_about_later_is_counted_from_the_beginning(tmp_path: Path) -> None:
    series = [
        timed({60: 9, 300: 20}, "+Inf"),
        timed({60: 6, 300: 10}, "500"),
        timed({60: 8, 300: 18}, "1000"),
    ]
    async with past(tmp_path, *series) as asked:
        await asked.at(301, watching(50, 500))
        assert await asked.at(302, watching(50, 1000)) == Counts(timed=20, within={1000: 18})


async def test_several_releases_are_counted_each_by_itself(tmp_path: Path) -> None:
    """Also where one is of several apps, whose requests are counted together."""
    page = answered({60: 7}, "500", destination_service="page.shop.svc.cluster.local")
    async with past(tmp_path, answered({60: 20}), answered({60: 1}, revision="other"), page) as asked:
        both = watching(50)
        of_page = Watched(Watch(both.watch.id, Key("shop", "page"), REVISION))
        other = watching(40, revision="other")
        assert await asked.at(61, both, of_page, other) == Counts(27, 7)
        assert asked.counting.counts[other.watch.id] == Counts(1, 0)


async def test_apps_are_told_when_their_counts_change_and_then_only(tmp_path: Path) -> None:
    async with past(tmp_path, answered({60: 1, 90: 2})) as asked:
        asked.counting.subscribe(asked.told.append)
        for moment in (61, 62, 91, 92):
            await asked.at(moment, watching(50))
        assert asked.told == [frozenset({APP})] * 2


async def test_counts_stay_while_prometheus_is_away(tmp_path: Path) -> None:
    """Somebody is told that it is; the counts go on when it is back."""
    write_past(tmp_path, START, [answered({60: 30, 600: 50}, "503")])
    port = free_port()
    async with Prometheus(Source(f"http://127.0.0.1:{port}")) as prometheus:
        asked = Asked(prometheus)
        async with running(tmp_path, port=port):
            assert await asked.at(200, watching(50)) == Counts(30, 30)
        asked.counting.subscribe(asked.told.append)
        assert await asked.at(400, watching(50)) == Counts(30, 30)
        assert await asked.at(500, watching(50)) == Counts(30, 30)
        assert asked.counting.trouble
        assert asked.told == [frozenset({APP})]
        async with running(tmp_path, port=port):
            assert await asked.at(601, watching(50)) == Counts(50, 50)
        assert not asked.counting.trouble


async def test_nothing_is_known_before_anybody_has_answered(tmp_path: Path) -> None:
    async with Prometheus(Source(f"http://127.0.0.1:{free_port()}")) as prometheus:
        assert await Asked(prometheus).at(61, watching(50)) is None


async def test_days_are_counted_in_coarser_steps(tmp_path: Path) -> None:
    """A release that was paused for long, by a controller that starts."""
    readings = {60.0 * n: n for n in range(30 * 60)}
    async with past(tmp_path, answered(readings)) as asked:
        assert await asked.at(30 * 3600, watching(10)) == Counts(1798, 0)


def test_a_slow_prometheus_is_asked_less_often() -> None:
    assert [pause_seconds(took) for took in (0.005, 0.1, 10)] == [0.5, pytest.approx(0.9), 5]
