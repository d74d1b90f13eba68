"""Cumulative counters → what was counted between two readings of them. Must not know what they count.

Never through a rate: a rate forgets how many requests it is of. The rules are Prometheus' own where it has
one: a counter that fell was reset and counts from zero; a series that was not there before counts from its
first reading on, unless it is known to have begun since the last one. Times are seconds since the Unix epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Counts = tuple[int, ...]
"""Counters of one series that are read together: of requests, of bad ones, ..., in the caller's order."""


@dataclass(frozen=True, slots=True)
class Scrape:
    """An arm's counters at one time, by series (a pod, or a caller and a pod). began: when a series did."""

    at: float
    series: Mapping[str, Counts]
    began: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Increase:
    """What was counted by each series, and what was found odd, in words."""

    series: Mapping[str, Counts]
    notes: tuple[str, ...] = ()

    def total(self, width: int) -> Counts:
        """Over all series; width: how many counters a series has."""
        counts = self.series.values()
        return tuple([sum([each[index] for each in counts]) for index in range(width)])


@dataclass(frozen=True, slots=True)
class Arms:
    """Both arms, as last read together."""

    canary: Scrape
    stable: Scrape


@dataclass(frozen=True, slots=True)
class Paired:
    """What may enter a tick: both arms' increases over since..at, or None and `notes` why not.

    last: what the next reading is compared with. Where nothing enters it stays, so nothing is lost but time.
    """

    last: Arms | None
    notes: tuple[str, ...]
    since: float = 0.0
    at: float = 0.0
    canary: Increase | None = None
    stable: Increase | None = None


def paired(last: Arms | None, canary: Scrape | None, stable: Scrape | None, skew: float) -> Paired:
    """Readings of the two arms that belong together. skew: seconds by which they may lie apart.

    An outage that one arm's reading already has and the other's has not yet looks like a bad canary, so
    readings further apart make no tick, until a pair comes that is not.
    """
    if canary is None or stable is None:
        missing = " and ".join(
            name for name, scrape in (("the canary", canary), ("stable", stable)) if scrape is None
        )
        return Paired(last, (f"no reading of {missing}",))
    if last is not None and (canary.at <= last.canary.at or stable.at <= last.stable.at):
        return Paired(last, ("a reading that is not newer than the last",))
    apart = abs(canary.at - stable.at)
    if apart > skew:
        return Paired(last, (f"the arms were read {apart:.1f} s apart, {skew:g} s are allowed",))
    arms = Arms(canary, stable)
    if last is None:
        return Paired(arms, ("the first reading: counted from here on",))
    of_canary, of_stable = increase(last.canary, canary), increase(last.stable, stable)
    return Paired(
        arms,
        (*of_canary.notes, *of_stable.notes),
        max(last.canary.at, last.stable.at),
        max(canary.at, stable.at),
        of_canary,
        of_stable,
    )


def increase(before: Scrape, after: Scrape) -> Increase:
    """What was counted from one reading to the next, of an arm; a series that ended counts no more."""
    series: dict[str, Counts] = {}
    notes: list[str] = []
    for name, counts in after.series.items():
        earlier = before.series.get(name)
        if earlier is None:
            if after.began.get(name, before.at) > before.at:
                series[name] = counts
            else:
                notes.append(f"{name}: counted from its first reading on")
        elif any(now < then for now, then in zip(counts, earlier, strict=True)):
            series[name] = counts
            notes.append(f"{name}: its counters were reset")
        else:
            series[name] = tuple([now - then for now, then in zip(counts, earlier, strict=True)])
    return Increase(series, tuple(notes))
