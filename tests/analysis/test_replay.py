"""Replays: a configuration's error rates and delays on recorded traffic."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from tests.analysis.reading import ERRORS_ONLY, counts, tick

from laneway.analysis.configuration import Configuration, Kind, Metric
from laneway.analysis.replay import Releases, Spread, replay, run, said, scatter
from laneway.analysis.resampling import Traffic, worse
from laneway.analysis.sampling import binomial
from laneway.analysis.tick import Answer, Arm, Counted, Measured, Tick
from laneway.analysis.verdict import Outcome


def recorded(p: float = 0.002, ticks: int = 120, canary_p: float | None = None) -> list[Tick]:
    """Half an hour at 33 requests a second, with an outage of both arms in between."""
    generator = Random(1)
    found = []
    for index in range(ticks):
        rate = 0.2 if 40 <= index < 50 else p
        bad = binomial(generator, 100, canary_p or rate), binomial(generator, 400, rate)
        found.append(tick(index, counts(100, bad[0], 400, bad[1]), weight=0.2))
    return found


def test_a_replay_tells_error_rate_delay_and_requests() -> None:
    """Larger regressions are found sooner; no healthy release in 40 is lost."""
    sizes = {"errors": (0.005, 0.02, 0.1)}
    found = replay(ERRORS_ONLY, recorded(), Random(2), Releases(runs=40), sizes)
    assert found.healthy.rolled_back <= 0.05
    assert found.healthy.promoted > 0.5
    assert found.healthy.promoted_after is not None
    assert found.healthy.promoted_after.p90 >= found.healthy.promoted_after.median
    assert found.healthy.spent == 0.0
    low, high = found.healthy.rollback_interval
    assert low <= found.healthy.rolled_back < high < 0.2
    assert [course.runs for course in (found.healthy, *found.regressions)] == [40, 10, 10, 10]
    rates = [course.rolled_back for course in found.regressions]
    delays = [(course.rollback_after or Spread(0, 0)).median for course in found.regressions]
    assert rates[-1] == 1.0
    assert all(larger >= smaller for smaller, larger in pairwise(rates))
    assert all(larger <= smaller for smaller, larger in pairwise(delays[1:]))
    assert found.healthy.unsure == pytest.approx(1 - found.healthy.rolled_back - found.healthy.promoted)


def test_the_same_seed_replays_the_same() -> None:
    """Randomness comes from the generator alone."""
    first, second = (replay(ERRORS_ONLY, recorded(), Random(5), Releases(5)) for _ in range(2))
    assert first == second


def test_what_was_recorded_with_a_bad_canary_is_healthy_when_dealt_anew() -> None:
    """The requests stay, and so do the bad ones; which arm they fell on does not."""
    ticks = recorded(canary_p=0.05)
    assert run(ERRORS_ONLY, ticks).outcome is Outcome.ROLLBACK
    dealt = list(Traffic.of(ticks).healthy(Random(3), None))
    assert sum(_bad(each) for each in dealt) == sum(_bad(each) for each in ticks)
    assert run(ERRORS_ONLY, dealt).outcome is not Outcome.ROLLBACK


def _bad(each: Tick) -> int:
    reading = each.metrics["errors"]
    assert isinstance(reading, Counted)
    return reading.canary.bad[0] + reading.stable.bad[0]


def test_another_weight_may_be_tried() -> None:
    """Half the traffic for a canary that had a fifth."""
    dealt = list(Traffic.of(recorded()).healthy(Random(3), 0.5))
    assert sum(each.canary for each in dealt) == pytest.approx(30_000, rel=0.05)
    assert {each.weight for each in dealt} == {0.5}


def test_the_recording_itself_is_judged_in_words() -> None:
    """As a release is: evidence that suffices, once late failures would have been counted."""
    ended = run(ERRORS_ONLY, recorded())
    assert ended.outcome is Outcome.PROMOTE
    assert said(ERRORS_ONLY, ended).reason.startswith("the canary is acceptable in every metric: errors: ")
    held = run(ERRORS_ONLY, recorded(), hold=900)
    assert (held.outcome, held.after) == (Outcome.PROMOTE, 900)


def test_a_short_recording_is_gone_round_and_a_long_one_cut() -> None:
    """Each release has the same time, without an overlap or a hole."""
    for lasting in (150.0, 4500.0):
        dealt = list(Traffic.of(recorded(ticks=120)).healthy(Random(4), None, lasting))
        assert dealt[-1].at - dealt[0].since == lasting
        assert all(before.at == after.since for before, after in pairwise(dealt))


def test_times_without_a_reading_pass_and_are_not_dealt() -> None:
    """A minute in which nothing was read stays a minute."""
    ticks = recorded(ticks=20)
    missing = [Tick(t.since, t.at, Answer.SILENT) if 5 <= index < 9 else t for index, t in enumerate(ticks)]
    dealt = list(Traffic.of(missing).healthy(Random(1), None))
    assert [tick.answer for tick in dealt] == [Answer.DATA] * 16
    assert sorted(after.since - before.at for before, after in pairwise(dealt))[-1] == 60


@pytest.mark.parametrize("cluster", [1, 5])
def test_clusters_of_bad_requests_are_seen_in_how_they_scatter(cluster: int) -> None:
    """Drawn releases have none: this tells that they are too calm."""
    generator = Random(3)
    ticks = []
    for index in range(400):
        bad = [cluster * binomial(generator, each // cluster, 0.02) for each in (100, 400)]
        ticks.append(tick(index, counts(100, bad[0], 400, bad[1])))
    assert scatter(ERRORS_ONLY, ticks)["errors"] == pytest.approx(cluster, rel=0.2)
    assert scatter(ERRORS_ONLY, ticks[:20]) == {}


def test_an_excess_is_what_it_says() -> None:
    """2 % of the canary's requests besides; stable is left alone."""
    ticks = recorded()
    changed = [worse(each, "errors", 0.02, Random(index)) for index, each in enumerate(ticks)]
    assert sum(_bad(each) for each in changed) - sum(_bad(each) for each in ticks) == pytest.approx(
        240, abs=80
    )


def test_slower_requests_stay_slower_than_every_edge_before() -> None:
    """Dealt anew and made worse."""
    reading = Counted(Arm(100, (60, 20, 1)), Arm(400, (240, 80, 4)))
    ticks = [Tick(0, 15, canary=100, stable=400, metrics={"latency": reading})]
    for seed in range(50):
        (dealt,) = Traffic.of(ticks).healthy(Random(seed), 0.3)
        for each in (dealt, worse(dealt, "latency", 0.3, Random(seed))):
            found = each.metrics["latency"]
            assert isinstance(found, Counted)
            for arm in (found.canary, found.stable):
                assert all(later <= before for before, later in pairwise((arm.requests, *arm.bad)))


def test_gauges_are_dealt_by_swapping_and_made_worse_by_a_share() -> None:
    """The ratio of healthy arms is as often above as below 1."""
    ticks = [Tick(0, 15, metrics={"queue": Measured(3.0, 2.0)})]
    traffic = Traffic.of(ticks)
    found = {next(traffic.healthy(Random(seed), None)).metrics["queue"] for seed in range(20)}
    assert found == {Measured(3.0, 2.0), Measured(2.0, 3.0)}
    assert worse(ticks[0], "queue", 0.5, Random(1)).metrics["queue"] == Measured(4.5, 2.0)
    gauges = Configuration((Metric("queue", Kind.GAUGE),))
    assert run(gauges, ticks).outcome is Outcome.UNSURE


def test_nothing_recorded_is_refused() -> None:
    """There is nothing to replay."""
    with pytest.raises(ValueError, match="nothing was recorded"):
        replay(ERRORS_ONLY, [], Random(1), Releases(1))
