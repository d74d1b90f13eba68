"""What a real Prometheus has kept of an app, interval by interval, and what missing readings do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from tests.kubernetes.evidence.istio_metrics import (
    HOST,
    REVISION,
    START,
    answered,
    second,
    timed,
    unreachable,
)
from tests.kubernetes.evidence.running_prometheus import Series, running, write_past

from laneway.control.metrics.prometheus import Prometheus, Source
from laneway.control.recorded import Recorded, Span
from laneway.kubernetes.evidence.past import POINTS, Asked, pieces, read, whole
from laneway.plan.observed import Counts

STABLE = "00000stable"
STEP = timedelta(seconds=15)


def asked(last: float, first: float = 0, **fields: object) -> Asked:
    """From the first second to the last."""
    return Asked(HOST, second(first), second(last), STEP, **fields)  # type: ignore[arg-type]


@asynccontextmanager
async def past(folder: Path, *series: Series) -> AsyncIterator[Prometheus]:
    """A Prometheus that has read these."""
    write_past(folder, START, series)
    async with running(folder) as url, Prometheus(Source(url)) as prometheus:
        yield prometheus


def counts(recorded: Recorded) -> list[tuple[float, float, Counts | None, Counts | None]]:
    """Seconds since the start, and both arms."""
    zero = START.timestamp()
    return [(span.since - zero, span.at - zero, span.canary, span.stable) for span in recorded.spans]


@pytest.mark.cluster
@pytest.mark.anyio
async def test_both_arms_are_counted_by_intervals(tmp_path: Path) -> None:
    """A canary that is new counts in full; requests that reached no pod are its own."""
    series = [
        answered({0: 1000, 14: 1000, 29: 1010, 44: 1030, 59: 1030}, revision=STABLE),
        answered({0: 5, 14: 5, 29: 5, 44: 6, 59: 6}, "503", revision=STABLE),
        answered({29: 3, 44: 4, 59: 4}),
        unreachable({44: 2, 59: 2}),
        timed({0: 900, 14: 900, 29: 910, 44: 930, 59: 930}, "+Inf", revision=STABLE),
        timed({0: 800, 14: 800, 29: 806, 44: 820, 59: 820}, "250", revision=STABLE),
        timed({29: 3, 44: 4, 59: 4}, "+Inf"),
        timed({29: 0, 44: 1, 59: 1}, "250"),
    ]
    async with past(tmp_path, *series) as prometheus:
        wanted = asked(60, canary=REVISION, stable=STABLE, edges=frozenset({250}))
        found = counts(await read(prometheus, wanted))
    assert found == [
        (0, 15, Counts(), Counts(timed=0, within={250: 0})),
        (15, 30, Counts(3, 0, 3, {250: 0}), Counts(10, 0, 10, {250: 6})),
        (30, 45, Counts(3, 2, 1, {250: 1}), Counts(21, 1, 20, {250: 14})),
        (45, 60, Counts(0, 0, 0, {250: 0}), Counts(0, 0, 0, {250: 0})),
    ]


@pytest.mark.cluster
@pytest.mark.anyio
async def test_without_a_canary_all_revisions_are_ordinary_traffic(tmp_path: Path) -> None:
    """A request that reached no pod is counted once; other apps are not."""
    series = [
        answered({0: 10, 14: 20}, revision=STABLE),
        answered({0: 1, 14: 3}),
        unreachable({0: 0, 14: 5}),
        answered({0: 0, 14: 99}, destination_service="page.shop.svc.cluster.local"),
    ]
    async with past(tmp_path, *series) as prometheus:
        recorded = await read(prometheus, asked(15))
        assert counts(recorded)[0][3] == Counts(17, 5)
        others = await read(prometheus, asked(15, canary=REVISION))
        assert counts(others)[0][2:] == (Counts(7, 5), Counts(10))
        nobody = await read(prometheus, Asked("none.shop.svc.cluster.local", START, second(60), STEP))
        assert nobody.spans == ()


@pytest.mark.cluster
@pytest.mark.anyio
async def test_hours_are_read_in_pieces_and_nothing_is_lost(tmp_path: Path) -> None:
    """With a proxy that starts again, minutes in which nothing was read, and a count that began before."""
    readings = {15.0 * n - 1: (7 * n) % 4000 for n in range(1200) if not 300 <= n < 320}
    total = sum((7 * n) % 4000 if (7 * n) % 4000 < 7 else 7 for n in range(2, 1200))
    shares: list[float] = []
    async with past(tmp_path, answered(readings, revision=STABLE)) as prometheus:
        found = await read(prometheus, asked(15 * 1199, 15), shares.append)
    assert found.total()[1].requests == pytest.approx(total, abs=1)
    assert found.unread == 20
    assert max(span.at - span.since for span in found.spans if span.stable) == 21 * 15
    assert len(shares) == 5
    assert shares[-1] == 1.0


def test_pieces_meet_and_are_bounded() -> None:
    """Each moment is asked about once, the one before the first interval too."""
    found = list(pieces(asked(15 * 1000)))
    moments = [first + n * STEP for first, last in found for n in range((last - first) // STEP + 1)]
    assert moments == [START + n * STEP for n in range(1001)]
    assert max((last - first) // STEP + 1 for first, last in found) == POINTS


def spans(*read_at: int) -> Sequence[Span]:
    """Quarter minutes, of which these were read, with as many requests as their number."""
    return [
        Span(15.0 * n - 15, 15.0 * n, Counts(), Counts(n))
        if n in read_at
        else Span(15.0 * n - 15, 15.0 * n, None, None)
        for n in range(max(read_at) + 1)
    ]


def known(found: Sequence[Span]) -> list[tuple[float, int]]:
    """Beginning and requests of those that count."""
    return [(span.since, span.stable.requests) for span in found if span.stable]


def test_what_was_read_at_the_first_moment_lets_the_next_count() -> None:
    """What the counters had before is known then."""
    assert known(list(whole(spans(0, 1, 2)))) == [(0, 1), (15, 2)]


def test_a_missing_reading_is_made_up_for_by_the_next() -> None:
    """Which reaches back over it."""
    assert known(list(whole(spans(0, 1, 4)))) == [(0, 1), (15, 4)]


def test_counters_of_unknown_age_do_not_count_at_first() -> None:
    """Where Prometheus begins to read: until all proxies were read. Likewise after a long gap."""
    begins = list(whole(spans(*range(5, 20))))
    assert known(begins)[0] == (15 * 13, 14)
    after = list(whole(spans(0, 1, *range(80, 100))))
    assert known(after)[:2] == [(0, 1), (15 * 88, 89)]
