"""What was counted from one answer of a source to the next."""

from __future__ import annotations

import pytest

from laneway.analysis.tick import Arm
from laneway.control.metrics.sample import Counters, counted, kept, series_of

POD = series_of({"pod": "a"})
OTHER = series_of({"pod": "b"})
SUM = series_of({})


def test_counters_are_subtracted() -> None:
    before, now = Counters({POD: 3}, {POD: 100}), Counters({POD: 5}, {POD: 150})
    assert counted(before, now) == (Arm(50, (2,)), "")


def test_a_counter_that_was_not_there_counts_in_full() -> None:
    """Many counters of failures are there only from the first failure on."""
    before, now = Counters({}, {POD: 100}), Counters({POD: 2, OTHER: 1}, {POD: 110, OTHER: 7})
    assert counted(before, now) == (Arm(17, (3,)), "")


def test_a_counter_of_one_process_that_fell_began_anew() -> None:
    before, now = Counters({POD: 3}, {POD: 100}), Counters({POD: 1}, {POD: 4})
    assert counted(before, now) == (Arm(4, (1,)), "")


def test_a_sum_that_fell_counts_nothing_twice() -> None:
    """A pod has left it: what the others had counted before is no news."""
    arm, why = counted(Counters({SUM: 30}, {SUM: 1000}), Counters({SUM: 20}, {SUM: 800}))
    assert arm is None
    assert "fell" in why


def test_a_counter_that_goes_and_comes_back_goes_on() -> None:
    """As where a pod was not scraped for a while."""
    before = kept(Counters({POD: 3}, {POD: 100}), Counters({}, {}))
    assert counted(before, Counters({POD: 4}, {POD: 120})) == (Arm(20, (1,)), "")


def test_bad_ones_that_are_not_part_of_all_are_told() -> None:
    arm, why = counted(Counters({SUM: 0}, {SUM: 0}), Counters({SUM: 9}, {SUM: 5}))
    assert arm is None
    assert why == "9 were bad of 5: what `bad` counts is not part of `of`"


@pytest.mark.parametrize("label", ["pod", "instance"])
def test_what_one_process_counts_is_known_by_its_labels(label: str) -> None:
    assert series_of({label: "a", "code": "500"})[0] != series_of({"code": "500"})[0]
    assert series_of({label: "a", "code": "500"}) == series_of({"code": "500", label: "a"})
