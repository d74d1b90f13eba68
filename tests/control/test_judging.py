"""Counts become evidence: incrementally, whatever is missing, and across restarts."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from laneway.analysis.configuration import ERRORS, LATENCY, Configuration
from laneway.analysis.verdict import Outcome
from laneway.control.judging import Judging
from laneway.plan.observed import Counts, CountsId, Side
from laneway.plan.result import Comparison
from laneway.spec.meta import Key
from laneway.spec.release import Judged

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
RELEASE = Key("shop", "pharmacy-2")
COMPARISON = Comparison(RELEASE, BEGAN, Configuration(metrics=(ERRORS,)))
CANARY, STABLE = (CountsId(RELEASE, BEGAN, side) for side in Side)
SECOND = timedelta(seconds=1)

Readings = Iterator[tuple[datetime, Mapping[CountsId, Counts]]]


def readings(canary: float, stable: float = 0.01, seconds: int = 600, seed: int = 1) -> Readings:
    """Cumulative counts of 20 and 80 requests a second, which fail with these probabilities."""
    draw, bad, of = random.Random(seed), [0, 0], [0, 0]
    for second in range(1, seconds + 1):
        for side, (rate, share) in enumerate([(20, canary), (80, stable)]):
            of[side] += rate
            bad[side] += sum(draw.random() < share for _ in range(rate))
        yield BEGAN + second * SECOND, {CANARY: Counts(of[0], bad[0]), STABLE: Counts(of[1], bad[1])}


def judging(comparison: Comparison = COMPARISON) -> Judging:
    found = Judging()
    found.set([comparison])
    return found


def said(judge: Judging) -> Judged:
    return judge.judged[RELEASE]


def test_a_bad_version_is_worse_and_a_good_one_acceptable() -> None:
    """As counted, second by second."""
    outcomes = {}
    for name, share in (("bad", 0.1), ("good", 0.01)):
        judge = judging()
        for now, counts in readings(share):
            judge.read(counts, now)
        outcomes[name] = said(judge).outcome
    assert outcomes == {"bad": Outcome.ROLLBACK, "good": Outcome.PROMOTE}


@pytest.mark.parametrize("share", [0.01, 0.02, 0.05])
def test_a_restart_loses_nothing(share: float) -> None:
    """Whoever goes on from the record knows what he would have known."""
    one, other, record = judging(), judging(), None
    for number, (now, counts) in enumerate(readings(share, seconds=200)):
        one.read(counts, now)
        if number % 7 == 0:
            other = judging(replace(COMPARISON, remembered=record))
        other.read(counts, now)
        record = said(other)
    assert said(one) == said(other)


def test_what_was_counted_while_nobody_judged_is_taken_in_at_once() -> None:
    """The record is some seconds old when a controller dies."""
    before, after = judging(), None
    every = list(readings(0.1, seconds=30))
    before.read(every[4][1], every[4][0])
    after = judging(replace(COMPARISON, remembered=said(before)))
    now, counts = every[-1]
    after.read(counts, now)
    assert f"{counts[CANARY].errors} of {counts[CANARY].requests} requests failed" in said(after).words


def test_a_memory_that_cannot_be_read_is_none(caplog: pytest.LogCaptureFixture) -> None:
    """An older version wrote it: the evidence begins anew, and the log says so."""
    broken = Judged(at=BEGAN, outcome="go on", words="", state='{"state": 1}')
    judge = judging(replace(COMPARISON, remembered=broken))
    now, counts = next(readings(0.0))
    judge.read(counts, now)
    assert said(judge).outcome == Outcome.GO_ON
    assert "begins anew" in caplog.text


def test_counts_that_fall_are_not_taken_in_until_they_have_grown_again() -> None:
    """An answer that lacks a part of what an earlier one had."""
    judge, whole = judging(), judging()
    every = list(readings(0.01, seconds=100))
    for number, (now, counts) in enumerate(every):
        lost = {known: Counts(0, 0) for known in counts} if number % 10 == 5 else counts
        judge.read(lost, now)
        whole.read(counts, now)
    assert said(judge).outcome == said(whole).outcome


def test_an_absent_arm_a_silent_source_and_no_traffic_are_told_apart() -> None:
    """Each after a minute, in words of its own; none of them decides."""
    words = {}
    for name, counts, answers in (
        ("absent", {CANARY: Counts(5)}, True),
        ("silent", {}, False),
        ("idle", {CANARY: Counts(), STABLE: Counts()}, True),
    ):
        judge = judging()
        for second in range(1, 120):
            judge.read(counts, BEGAN + second * SECOND, answers=answers)
        assert said(judge).outcome == Outcome.UNSURE
        words[name] = said(judge).words
    assert "has not both arms" in words["absent"]
    assert "has not answered" in words["silent"]
    assert "no request has reached the canary" in words["idle"]


def test_slow_requests_are_counted_at_every_edge() -> None:
    """After a warm-up, a version of which all requests are slow is worse."""
    judge = judging(replace(COMPARISON, terms=Configuration(metrics=(LATENCY,))))
    for second in range(1, 200):
        canary = Counts(20 * second, 0, 20 * second, {25: 0, 50: 20 * second})
        stable = Counts(80 * second, 0, 80 * second, {25: 80 * second, 50: 80 * second})
        judge.read({CANARY: canary, STABLE: stable}, BEGAN + second * SECOND)
    assert said(judge).outcome == Outcome.ROLLBACK
    assert "took more than 25 ms" in said(judge).words


def test_a_canary_that_gets_too_few_requests_is_told() -> None:
    """It refuses them, or they are not counted."""
    weighed = replace(COMPARISON, weight=5_000, weighed=BEGAN)
    judge = judging(weighed)
    for now, counts in readings(0.0, seconds=120):
        judge.read(counts, now)
    assert said(judge).outcome == Outcome.UNSURE
    assert "its weight is 50 %" in said(judge).words


def test_requests_of_the_weight_before_are_not_held_against_the_new_one() -> None:
    """Some of them are still counted a while later."""
    judge = Judging(settles=timedelta(minutes=10))
    judge.set([replace(COMPARISON, weight=5_000, weighed=BEGAN)])
    for now, counts in readings(0.0, seconds=120):
        judge.read(counts, now)
    assert said(judge).outcome != Outcome.UNSURE


def test_a_release_that_is_over_is_forgotten() -> None:
    """And a new one begins with nothing."""
    judge = judging()
    now, counts = next(readings(0.0))
    judge.read(counts, now)
    judge.set([])
    assert judge.judged == {}
    judge.set([replace(COMPARISON, since=now)])
    assert judge.judged == {}


def test_only_news_wake_the_planner() -> None:
    """A decision is at once; numbers that have changed a little are when people may have read the last."""
    judge = judging()
    told = [now for now, counts in readings(0.1, seconds=60) if judge.read(counts, now)]
    assert said(judge).outcome == Outcome.ROLLBACK
    assert 2 <= len(told) <= 14
    judge = judging()
    now, counts = next(readings(0.0))
    assert judge.read(counts, now) == {RELEASE}
    assert judge.read(counts, now + SECOND) == frozenset()
