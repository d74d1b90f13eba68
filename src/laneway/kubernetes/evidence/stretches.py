"""Into which stretches of time a count is cut: what has settled is read once, what has not again and again.

The cuts follow from when a count began, so that one that is begun again finds the same numbers. Pure; must
not know what is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

GRID = timedelta(seconds=15)
"""Moments that are multiples of this are where counts are cut: about as often as proxies are read."""
LEAD_MAX = timedelta(minutes=2)
"""After so long, each proxy has been read since the count began."""
SETTLED = timedelta(seconds=30)
"""After so long, all readings have arrived: a scrape takes 10 s at most, and some are sent on."""
POINTS_MAX = 5_000
"""Prometheus answers with 11,000 at most."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stretch:
    """start to end, in steps of `step`; lead: since the count began, until that is `LEAD_MAX`."""

    start: datetime
    end: datetime
    step: timedelta
    lead: timedelta | None = None


def settled(since: datetime, until: datetime, now: datetime) -> Stretch | None:
    """What is to be counted for good next. since: when the count began; until: where it stands."""
    last = _down(now - SETTLED)
    if until - since < LEAD_MAX:
        end = _down(until) + GRID
        return Stretch(until, end, end - until, until - since) if end <= last else None
    steps = (last - until) // GRID
    if steps <= 0:
        return None
    coarse = -(-steps // POINTS_MAX)
    return Stretch(until, until + steps // coarse * coarse * GRID, coarse * GRID)


def unsettled(since: datetime, until: datetime, now: datetime) -> Stretch | None:
    """The rest, up to now; None while there is none."""
    lead = until - since
    if now <= until:
        return None
    return Stretch(until, now, now - until, lead if lead < LEAD_MAX else None)


def _down(moment: datetime) -> datetime:
    return moment - (moment - _EPOCH) % GRID
