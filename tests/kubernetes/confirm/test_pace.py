"""How often istiod is asked."""

from __future__ import annotations

from itertools import accumulate

import pytest

from laneway.kubernetes.confirm.pace import FIRST_SECONDS, GROWTH, LAST_SECONDS, Pace


def test_questions_become_rarer_so_that_an_answer_is_late_by_a_part_of_the_time_that_it_took() -> None:
    pace = Pace()
    waits = [pace.wait(0.0) for _ in range(20)]
    assert waits[0] == FIRST_SECONDS
    for wait, before in zip(waits[1:], accumulate(waits), strict=False):
        assert wait <= FIRST_SECONDS + (GROWTH - 1) * before * 1.001


def test_there_is_a_longest_wait() -> None:
    pace = Pace()
    assert [pace.wait(0.0) for _ in range(100)][-1] == LAST_SECONDS


def test_something_new_is_asked_about_often_again() -> None:
    pace = Pace()
    for _ in range(100):
        pace.wait(0.0)
    pace.restart()
    assert pace.wait(0.0) == FIRST_SECONDS


def test_answers_that_are_long_in_coming_are_asked_for_less_often() -> None:
    assert Pace().wait(0.5) == pytest.approx(2.0)
