"""How a count is cut into stretches of time."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from tests.kubernetes.evidence.istio_metrics import second

from laneway.kubernetes.evidence.stretches import LEAD_MAX, POINTS_MAX, Stretch, settled, unsettled


def settle(since: float, now: float) -> list[Stretch]:
    """What is counted for good, from nothing."""
    until, found = second(since), []
    while (each := settled(second(since), until, second(now))) is not None:
        found.append(each)
        until = each.end
    return found


def test_stretches_follow_each_other_up_to_what_has_settled() -> None:
    found = settle(since=7.25, now=1000)
    assert found[0].start == second(7.25)
    assert all(before.end == after.start for before, after in pairwise(found))
    assert found[-1].end == second(960)


def test_nothing_has_settled_at_first() -> None:
    assert settle(since=7, now=44) == []
    rest = Stretch(second(7), second(44), timedelta(seconds=37), timedelta(0))
    assert unsettled(second(7), second(7), second(44)) == rest


def test_proxies_that_may_not_have_been_read_yet_are_asked_about_stretch_by_stretch() -> None:
    """Later many stretches are asked about at once, and nothing depends on when the count began."""
    found = settle(since=7, now=1000)
    led = [each for each in found if each.lead is not None]
    assert [each.end - each.start for each in led] == [timedelta(seconds=8)] + [timedelta(seconds=15)] * 8
    assert led[-1].end - second(7) >= LEAD_MAX
    assert [each.step for each in found[len(led) :]] == [timedelta(seconds=15)]


def test_cuts_are_the_same_whenever_they_are_made() -> None:
    """Whoever begins again finds the same numbers."""
    at_once = {cut for each in settle(3, 900) for cut in cuts(each)}
    gradual = {cut for now in (*range(100, 900, 7), 900) for each in settle(3, now) for cut in cuts(each)}
    assert at_once == gradual


def cuts(stretch: Stretch) -> list[object]:
    """Where it ends, and its steps."""
    return [
        stretch.start + stretch.step * n for n in range((stretch.end - stretch.start) // stretch.step + 1)
    ]


def test_a_long_time_is_never_asked_about_in_too_many_steps() -> None:
    found = settle(since=3, now=3600 * 24 * 30 + 4)
    assert max((each.end - each.start) // each.step for each in found) <= POINTS_MAX
    assert found[-1].end == second(3600 * 24 * 30 - 30)


def test_a_clock_that_goes_back_has_nothing_to_ask_about() -> None:
    assert unsettled(second(10), second(10), second(9)) is None
    assert settle(since=10, now=9) == []
