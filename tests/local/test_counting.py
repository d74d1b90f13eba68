"""Counting requests: what proxies say becomes what happened since counting began, also over a restart."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from laneway.local.measure.tally import Tally, TallyFile
from laneway.mesh.envoy import Requests, requests_of
from laneway.plan.observed import Counts, CountsId
from laneway.spec.failure_codes import FailureCodes
from laneway.spec.meta import Key

A, B = ("shop/page-1", "outbound"), ("shop/page-2", "outbound")


def said(answered: int, failed: int = 0, fast: int = 0) -> Requests:
    """What a proxy says: requests, failed ones, and those that took no longer than 100 ms."""
    return Requests(answered, failed, answered, {100: fast, 500: answered})


def tally(*readings: dict[tuple[str, str], Requests]) -> Counts:
    """What is counted after these readings."""
    counted = Tally()
    for reading in readings:
        counted.add(reading)
    return counted.counts


def test_what_was_counted_before_does_not_count() -> None:
    """A revision that is tried again does not pay for its first time."""
    assert tally({A: said(100, 50, 10)}) == Counts()
    assert tally({A: said(100, 50, 10)}, {A: said(110, 51, 15)}) == Counts(10, 1, 10, {100: 5, 500: 10})


def test_a_proxy_that_comes_later_counts_from_its_start() -> None:
    """It has sent all of its requests since then."""
    assert tally({A: said(5)}, {A: said(5), B: said(7, 7)}).errors == 7


def test_a_proxy_that_goes_takes_nothing_with_it() -> None:
    """Also where it comes back."""
    assert tally({A: said(0)}, {A: said(9, 3)}, {}, {A: said(10, 3)}).requests == 10


def test_a_counter_that_began_anew_counts_from_nothing() -> None:
    """Its proxy was started again."""
    assert tally({A: said(100)}, {A: said(120, 2)}, {A: said(4, 1)}).requests == 24
    assert tally({A: said(100)}, {A: said(120, 2)}, {A: said(4, 1)}).errors == 3


ID = CountsId(Key("shop", "page-1"), datetime(2026, 1, 1, 12, 0, 0, 123, UTC))


def test_a_kept_tally_goes_on(tmp_path: Path) -> None:
    """What was counted while nobody looked is there; so is what a proxy that is gone had counted."""
    kept = Tally()
    for reading in ({A: said(100, 50), B: said(0)}, {A: said(110, 51), B: said(6, 6)}):
        kept.add(reading)
    TallyFile(tmp_path / "counts.json").write({ID: kept, ID._replace(release=Key("shop", "other")): Tally()})
    (found,) = TallyFile(tmp_path / "counts.json").read().items()
    assert (found[0], found[1].counts, found[1].last) == (ID, kept.counts, kept.last)
    found[1].add({A: said(113, 52)})
    assert (found[1].counts.requests, found[1].counts.errors) == (19, 8)


def test_counts_that_cannot_be_read_begin_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With a word in the log; none where there are none."""
    file = TallyFile(tmp_path / "counts.json")
    assert file.read() == {}
    assert not caplog.records
    (tmp_path / "counts.json").write_text('[{"id"')
    assert file.read() == {}
    assert "begins anew" in caplog.text


def test_envoy_s_statistics_become_requests_by_cluster() -> None:
    """Counters and histograms as its admin interface gives them."""
    name = "cluster.outbound|80|r-1|pharmacy.shop.svc.cluster.local."
    buckets = [
        {"upper_bound": 100, "interval": 0, "cumulative": 3},
        {"upper_bound": 500, "interval": 0, "cumulative": 4},
    ]
    stats: list[dict[str, Any]] = [
        {"name": f"{name}upstream_rq_completed", "value": 4},
        {"name": f"{name}upstream_rq_5xx", "value": 1},
        {"name": f"{name}grpc.13", "value": 2},
        {"name": f"{name}grpc.14", "value": 3},
        {"histograms": [{"name": f"{name}upstream_rq_time", "buckets": buckets}]},
    ]
    assert requests_of(stats) == {
        "outbound|80|r-1|pharmacy.shop.svc.cluster.local": Requests(
            4, 1, 4, {100: 3, 500: 4}, faults=5, statuses={13: 2, 14: 3}
        )
    }


def test_each_code_and_status_where_that_was_asked_for() -> None:
    """A fault is among the statuses, and another status is no fault."""
    name = "cluster.outbound|80|r-1|pharmacy.shop.svc.cluster.local."
    values = {"upstream_rq_completed": 9, "upstream_rq_5xx": 1, "upstream_rq_200": 6, "upstream_rq_429": 2}
    values |= {"upstream_rq_503": 1, "grpc.8": 4, "grpc.14": 1}
    (found,) = requests_of({"name": name + stat, "value": value} for stat, value in values.items()).values()
    assert found == Requests(9, 1, faults=1, codes={200: 6, 429: 2, 503: 1}, statuses={8: 4, 14: 1})


CODES = FailureCodes.model_validate({"http": ["5xx", 429], "grpc": ["RESOURCE_EXHAUSTED"]})


def coded(codes: dict[int, int], statuses: dict[int, int] | None = None) -> Requests:
    """What a proxy says that tells codes apart."""
    failed = sum(count for code, count in codes.items() if code >= 500)
    return Requests(sum(codes.values()), failed, codes=codes, statuses=statuses or {})


def judged(*readings: Requests, before: Tally | None = None) -> Counts:
    """What is counted of these readings of one proxy."""
    counting = before or Tally()
    for reading in readings:
        counting.add({A: reading}, {A: CODES})
    return counting.counts


def test_the_codes_that_an_app_names_are_errors_to_its_judge_alone() -> None:
    """Guardrails keep to 5xx."""
    counts = judged(coded({200: 5, 429: 7}), coded({200: 50, 404: 3, 429: 9, 500: 2}))
    assert (counts.errors, counts.judged, counts.requests) == (2, 4, 52)
    counts = judged(coded({200: 5}), coded({200: 50}, {8: 3, 14: 2}))
    assert counts.judged == 3


def test_without_named_codes_the_judge_takes_what_guardrails_take() -> None:
    assert tally({A: said(100)}, {A: said(120, 2)}).judged == 2
    assert tally({A: said(100)}, {A: said(120, 2)}).bad is None


def test_codes_that_are_named_in_the_midst_count_from_then_on() -> None:
    """What was not told apart before is an error as it was."""
    before = Tally()
    before.add({A: Requests(0)})
    before.add({A: Requests(100, 10)})
    counts = judged(coded({200: 80, 429: 20, 500: 11}), coded({200: 90, 429: 25, 500: 11}), before=before)
    assert (counts.errors, counts.judged) == (11, 16)
    before.add({A: coded({200: 90, 429: 40, 500: 12})})
    assert (before.counts.errors, before.counts.judged) == (12, 17)


def test_an_older_proxy_that_tells_no_codes_apart_counts_as_ever() -> None:
    assert judged(Requests(10), Requests(30, 4)).judged == 4


def test_kept_codes_go_on(tmp_path: Path) -> None:
    counting = Tally()
    judged(coded({200: 5}), coded({200: 6, 429: 2}), before=counting)
    TallyFile(tmp_path / "counts.json").write({ID: counting})
    ((_, found),) = TallyFile(tmp_path / "counts.json").read().items()
    assert (found.counts, found.last) == (counting.counts, counting.last)
