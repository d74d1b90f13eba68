"""Counters: what enters a tick, what does not, and that it is told."""

from __future__ import annotations

import pytest

from laneway.analysis.counters import Arms, Scrape, increase, paired


def scrape(at: float, began: dict[str, float] | None = None, **series: tuple[int, ...]) -> Scrape:
    """Requests and bad ones by pod."""
    return Scrape(at, series, began or {})


def test_cumulative_counters_become_what_was_counted_between() -> None:
    """Over all series."""
    found = increase(scrape(0, a=(100, 1), b=(50, 0)), scrape(15, a=(130, 2), b=(60, 3)))
    assert found.series == {"a": (30, 1), "b": (10, 3)}
    assert found.total(2) == (40, 4)
    assert found.notes == ()


def test_a_counter_that_fell_was_reset_and_counts_from_zero() -> None:
    """All counters of its series were: its requests may have caught up already."""
    found = increase(scrape(0, a=(100, 9)), scrape(15, a=(120, 2)))
    assert found.series == {"a": (120, 2)}
    assert found.notes == ("a: its counters were reset",)


def test_a_reset_of_one_pod_is_not_hidden_by_another() -> None:
    """The sum over pods never fell."""
    found = increase(scrape(0, a=(100, 9), b=(10, 0)), scrape(15, a=(5, 1), b=(200, 0)))
    assert found.total(2) == (195, 1)


def test_a_series_that_is_first_seen_is_not_counted_at_once() -> None:
    """Its counts may be of many hours."""
    found = increase(scrape(0, a=(100, 9)), scrape(15, a=(100, 9), b=(9_000, 90)))
    assert found.total(2) == (0, 0)
    assert found.notes == ("b: counted from its first reading on",)


def test_a_pod_that_began_since_counts_from_zero() -> None:
    """So that a canary's first requests count, which are the worst."""
    found = increase(scrape(0, a=(100, 9)), scrape(15, {"b": 3.0}, a=(100, 9), b=(40, 20)))
    assert found.total(2) == (40, 20)


def test_a_pod_that_is_gone_takes_nothing_back() -> None:
    """A sum of counters would fall."""
    assert increase(scrape(0, a=(100, 9), b=(10, 0)), scrape(15, a=(110, 9))).total(2) == (10, 0)


CANARY, STABLE = scrape(0.0, a=(10, 0)), scrape(0.4, b=(40, 0))
LAST = Arms(CANARY, STABLE)


def test_both_arms_enter_together() -> None:
    """Over the time that both cover."""
    found = paired(LAST, scrape(15.0, a=(20, 1)), scrape(15.4, b=(80, 2)), skew=1.0)
    assert found.canary is not None
    assert found.stable is not None
    assert (found.canary.total(2), found.stable.total(2)) == ((10, 1), (40, 2))
    assert (found.since, found.at) == (0.4, 15.4)


@pytest.mark.parametrize(
    ("canary", "stable", "note"),
    [
        (None, scrape(15.4, b=(80, 2)), "no reading of the canary"),
        (scrape(15.0, a=(20, 1)), None, "no reading of stable"),
        (None, None, "no reading of the canary and stable"),
        (scrape(0.0, a=(10, 0)), scrape(15.4, b=(80, 2)), "a reading that is not newer than the last"),
        (
            scrape(7.5, a=(20, 1)),
            scrape(15.4, b=(80, 2)),
            "the arms were read 7.9 s apart, 1 s are allowed",
        ),
    ],
)
def test_what_is_missing_old_or_skewed_makes_no_tick_and_is_told(
    canary: Scrape | None, stable: Scrape | None, note: str
) -> None:
    """And loses nothing: the next pair is compared with the last one that entered."""
    found = paired(LAST, canary, stable, skew=1.0)
    assert found.canary is None
    assert found.notes == (note,)
    later = paired(found.last, scrape(30.0, a=(30, 2)), scrape(30.4, b=(120, 4)), skew=1.0)
    assert later.canary is not None
    assert later.canary.total(2) == (20, 2)
    assert later.since == 0.4


def test_the_first_reading_is_where_counting_begins() -> None:
    """After a start nothing older is known."""
    found = paired(None, CANARY, STABLE, skew=1.0)
    assert found.canary is None
    assert found.last == LAST
    assert found.notes == ("the first reading: counted from here on",)
