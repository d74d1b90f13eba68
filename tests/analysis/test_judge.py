"""The judge: evidence over a whole release, with a stated error rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import log, sqrt
from random import Random

import pytest
from tests.analysis.reading import BARE, ERRORS_ONLY, counts, judged, steady, tick

from laneway.analysis.configuration import LATENCY, Configuration, Margin
from laneway.analysis.judge import evidence_worse, judge, metric_acceptable, metric_worse
from laneway.analysis.replay import run
from laneway.analysis.sampling import binomial
from laneway.analysis.state import CountState, State
from laneway.analysis.tick import Answer, Arm, Counted, Measured, Tick


def releases(runs: int, seed: int, p: float, canary_p: float) -> Sequence[bool]:
    """Whether each of so many simulated releases is rolled back in 60 ticks, from 5 over 20 to 50 %."""
    generator = Random(seed)
    configuration = Configuration((BARE,), false_rollback=0.05)

    def ticks() -> Sequence[Tick]:
        found = []
        for index in range(60):
            # Both arms get worse as the weight rises, which pooled counts would take for the canary's.
            canary, stable = ((25, 475), (100, 400), (250, 250))[index // 20]
            times = (1, 2, 4)[index // 20]
            bad = (binomial(generator, canary, canary_p * times), binomial(generator, stable, p * times))
            found.append(tick(index, counts(canary, bad[0], stable, bad[1])))
        return found

    return [run(configuration, ticks(), promotes=False).state.worse is not None for _ in range(runs)]


def test_healthy_releases_are_rolled_back_no_oftener_than_stated() -> None:
    """400 at alpha 5 %, no margin, over three weights: more than 42 would be 5 standard deviations off."""
    assert sum(releases(400, 6, 0.01, 0.01)) <= 400 * 0.05 + 5 * sqrt(400 * 0.05 * 0.95)


def test_bad_releases_are_rolled_back() -> None:
    """Three times the errors, which is not subtle."""
    assert sum(releases(40, 7, 0.01, 0.03)) >= 38


def test_five_percent_errors_take_one_tick_at_a_hundred_requests_a_second() -> None:
    """15 s after its first traffic, before it is warm."""
    state = judged(ERRORS_ONLY, [tick(0, counts(300, 15, 1_200, 1))])
    assert state.worse == 15.0


def test_that_it_was_worse_once_stays() -> None:
    """The stated rate is of ever reaching the threshold; whoever looks later sees it too."""
    state = judged(
        ERRORS_ONLY, [tick(0, counts(300, 15, 1_200, 1)), *steady(500, counts(300, 0, 1_200, 1), 1)]
    )
    assert evidence_worse(ERRORS_ONLY, state) < log(100)
    assert state.worse == 15.0


def test_an_outage_of_both_arms_is_no_evidence() -> None:
    """A fifth of all requests fails for ten minutes."""
    state = judged(ERRORS_ONLY, steady(40, counts(300, 60, 1_200, 240)))
    assert state.worse is None
    assert evidence_worse(ERRORS_ONLY, state) < 0


def test_evidence_goes_on_from_step_to_step() -> None:
    """Neither step would do alone."""
    first, second = counts(100, 2, 400, 2), counts(250, 4, 250, 1)
    for part in (steady(6, first), steady(6, second)):
        assert judged(ERRORS_ONLY, part).worse is None
    both = judged(ERRORS_ONLY, [*steady(6, first), *steady(6, second, start=6)])
    assert both.worse is not None


def test_one_alpha_is_shared_by_all_metrics() -> None:
    """Healthy metrics beside a bad one make it take longer, by their number at most."""
    alone = Configuration((BARE,))
    others = tuple(replace(BARE, name=f"other-{index}") for index in range(5))
    together = Configuration((BARE, *others))
    reading = counts(300, 5, 1_200, 4)
    ticks = [
        replace(
            each, metrics={"errors": reading, **{other.name: counts(300, 0, 1_200, 0) for other in others}}
        )
        for each in steady(20, reading)
    ]
    found = [
        evidence_worse(configuration, judged(configuration, ticks)) for configuration in (alone, together)
    ]
    assert found[0] - log(6) <= found[1] + 1e-9
    assert found[1] < found[0]


def test_a_metric_may_have_more_of_alpha() -> None:
    """Shares are relative."""
    configuration = Configuration((replace(BARE, share=3), replace(BARE, name="other")))
    assert configuration.shares == {"errors": 0.75, "other": 0.25}


def test_every_metric_has_to_be_shown_acceptable() -> None:
    """One without a reading is not."""
    configuration = Configuration((BARE, replace(BARE, name="other")))
    ticks = steady(60, counts(300, 0, 1_200, 0))
    assert judged(Configuration((BARE,)), ticks).acceptable is not None
    assert judged(configuration, ticks).acceptable is None


def slow(index: int, canary: tuple[int, ...]) -> Tick:
    """300 requests of the canary, of which so many took longer than 10, 100 and 1000 ms."""
    return tick(
        index,
        canary=300,
        stable=1_200,
        age=1_000.0,
        metrics={"latency": Counted(Arm(300, canary), Arm(1_200, (800, 60, 4)))},
    )


SLOW = Configuration((replace(LATENCY, edges_ms=(10, 100, 1_000), tolerate=Margin()),))


def test_a_slow_tail_is_found_where_most_requests_are_as_fast() -> None:
    """Twice as many take more than 100 ms."""
    state = judged(SLOW, [slow(index, (200, 30, 1)) for index in range(20)])
    assert state.worse is not None


def test_latency_is_the_mean_over_edges_for_worse_and_the_least_for_acceptable() -> None:
    """So that no edge alone decides a promotion, and each may a rollback."""
    state = judged(SLOW, [slow(index, (200, 15, 1)) for index in range(20)]).metrics["latency"]
    assert isinstance(state, CountState)
    (metric,) = SLOW.metrics
    edges = [
        CountState((worse,), (acceptable,), (), 0.0, Arm(0), Arm(0))
        for worse, acceptable in zip(state.worse, state.acceptable, strict=True)
    ]
    assert metric_acceptable(metric, state) == min(metric_acceptable(metric, edge) for edge in edges)
    each = [metric_worse(metric, edge) for edge in edges]
    assert max(each) - log(3) <= metric_worse(metric, state) <= max(each)


def test_a_cold_canary_is_slow_without_being_worse() -> None:
    """Its first minute does not count for latency; without an age it is born with its first request."""
    cold = [replace(slow(index, (300, 200, 50)), age=None) for index in range(4)]
    warm = [replace(slow(index, (200, 15, 1)), age=None) for index in range(4, 20)]
    assert judged(SLOW, cold).notes == ("latency: not counted while the canary warms up",)
    assert judged(SLOW, [*cold, *warm]).worse is None
    at_once = Configuration((replace(SLOW.metrics[0], warm_up=0.0),))
    assert judged(at_once, cold).worse is not None


def test_a_new_pod_warms_up_again() -> None:
    """The newest pod's age counts where it is known."""
    state = judged(SLOW, [replace(slow(0, (300, 200, 50)), age=59.0)])
    assert state.worse is None
    assert judged(SLOW, [replace(slow(0, (300, 200, 50)), age=60.0)]).worse is not None


def test_clustered_failures_weigh_less() -> None:
    """Stable's own pods show that failures come in bursts; the same counts then decide nothing."""
    reading = counts(300, 8, 1_200, 16)
    bursts = tuple(Arm(300, (bad,)) for bad in (16, 0, 0, 0))
    even = tuple(Arm(300, (4,)) for _ in range(4))

    def state(pods: Sequence[Arm]) -> State:
        return judged(Configuration((BARE,)), steady(24, replace(reading, pods=pods)))

    assert state(even).worse is not None
    assert state(bursts).worse is None


@pytest.mark.parametrize(("since", "at"), [(0.0, 15.0), (10.0, 45.0), (45.0, 45.0)])
def test_an_older_reading_is_not_counted_and_told(since: float, at: float) -> None:
    """Nor one that overlaps: its requests would count twice."""
    before = judged(ERRORS_ONLY, steady(2, counts(300, 0, 1_200, 0)))
    late = tick(0, counts(300, 300, 1_200, 0), since=since, at=at)
    after = judge(ERRORS_ONLY, before, late)
    assert after.notes == ("a reading that is not newer than the last is not counted",)
    assert replace(after, notes=()) == before


def test_a_reading_after_a_missing_one_counts_for_both() -> None:
    """It reaches back to the last that was read."""
    ticks = [
        tick(0, counts(300, 0, 1_200, 0)),
        tick(1, answer=Answer.ABSENT),
        tick(2, counts(600, 30, 2_400, 1), since=15.0),
    ]
    state = judged(ERRORS_ONLY, ticks)
    assert (state.canary, state.worse, state.notes) == (900, 45.0, ())


def test_evidence_by_other_bets_begins_anew() -> None:
    """A state that another version of Laneway has written."""
    state = judged(ERRORS_ONLY, [tick(0, counts(300, 15, 1_200, 1))])
    errors = state.metrics["errors"]
    assert isinstance(errors, CountState)
    other = replace(state, metrics={"errors": replace(errors, worse=((0.0,) * 5,))})
    assert evidence_worse(ERRORS_ONLY, other) == 0.0


def test_a_metric_of_other_edges_begins_anew() -> None:
    """What was counted at other edges says nothing about these."""
    state = judged(SLOW, [slow(0, (200, 30, 1))])
    other = Configuration((replace(SLOW.metrics[0], edges_ms=(10, 100)),))
    assert evidence_worse(other, state) == 0.0


def test_a_reading_of_another_kind_is_a_programming_error() -> None:
    """A gauge is not a count."""
    with pytest.raises(TypeError, match="errors is of kind count, not Measured"):
        judge(ERRORS_ONLY, State(), tick(0, metrics={"errors": Measured(1.0, 1.0)}))


def test_a_better_canary_is_never_worse() -> None:
    """Evidence falls as it does well."""
    found = [
        evidence_worse(ERRORS_ONLY, judged(ERRORS_ONLY, steady(many, counts(300, 1, 1_200, 12))))
        for many in range(1, 6)
    ]
    assert all(later < earlier for earlier, later in pairwise(found))


def test_a_canarys_first_burst_decides_nothing_while_stable_has_had_none() -> None:
    """Its pods have not shown yet that failures come alone; where pods are not known, they are taken to."""
    reading = counts(300, 6, 1_200, 0)
    unscathed = tuple(Arm(300, (0,)) for _ in range(4))
    bare = Configuration((BARE,))
    assert judged(bare, [tick(0, reading)]).worse is not None
    assert judged(bare, [tick(0, replace(reading, pods=unscathed))]).worse is None


def test_stables_pods_are_known_before_the_canary_has_traffic() -> None:
    """Ticks without it say how stable's failures scatter, and nothing else."""
    reading = counts(0, 0, 1_200, 16)
    pods = tuple(Arm(300, (4,)) for _ in range(4))
    state = judged(ERRORS_ONLY, [tick(index, replace(reading, pods=pods)) for index in range(40)])
    assert evidence_worse(ERRORS_ONLY, state) == 0.0
    assert state.born is None
    errors = state.metrics["errors"]
    assert isinstance(errors, CountState)
    assert errors.scatter.freedom == 120
