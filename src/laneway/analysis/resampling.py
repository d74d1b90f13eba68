"""Recorded ticks → those of a healthy release, or one worse by a known amount. Must not know who judges them.

Healthy: the bad requests of both arms of a tick are dealt out anew among all of its requests, so that times
of outage stay and the arms do not differ (a permutation test's null hypothesis). This makes requests of one
tick independent: where they fail in clusters, the recording judged as it is says more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, pairwise
from typing import Self

from laneway.analysis.sampling import Generator, binomial, hypergeometric
from laneway.analysis.tick import Answer, Arm, Counted, Measured, Reading, Tick

_ROUNDING = 1e-3
"""Seconds by which sums of times may miss a limit."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Recorded ticks that can be dealt out anew. gaps: seconds before each in which nothing was read."""

    ticks: tuple[Tick, ...]
    gaps: tuple[float, ...]

    @classmethod
    def of(cls, ticks: Sequence[Tick]) -> Self:
        """The ticks in which both arms were read. Raises ValueError where there is none."""
        read = tuple(tick for tick in ticks if tick.answer is Answer.DATA)
        if not read:
            raise ValueError("nothing was recorded")
        gaps = [max(0.0, after.since - before.at) for before, after in pairwise(read)]
        return cls(read, (0.0, *gaps))

    def healthy(
        self, generator: Generator, weight: float | None, lasting: float | None = None
    ) -> Iterator[Tick]:
        """The ticks from a random one on, round the end, with arms that do not differ.

        weight: the canary's share of the requests; None where it stays as recorded. lasting: seconds, which
        may be several times round; None for once.
        """
        first = int(generator.random() * len(self.ticks))
        began = at = self.ticks[0].since
        for index in count(first):
            tick = self.ticks[index % len(self.ticks)]
            since = at + (self.gaps[index % len(self.ticks)] if index > first else 0.0)
            at = since + tick.at - tick.since
            ended = index == first + len(self.ticks) if lasting is None else at > began + lasting + _ROUNDING
            if ended:
                return
            yield _dealt(replace(tick, since=since, at=at, age=None), generator, weight)


def _dealt(tick: Tick, generator: Generator, weight: float | None) -> Tick:
    total = tick.canary + tick.stable
    canary = tick.canary if weight is None else binomial(generator, total, weight)
    return replace(
        tick,
        weight=tick.weight if weight is None else weight,
        canary=canary,
        stable=total - canary,
        metrics={
            name: _reading(reading, canary / total if total else 0.0, generator, weight is None)
            for name, reading in tick.metrics.items()
        },
    )


def _reading(reading: Reading, share: float, generator: Generator, kept: bool) -> Reading:
    if isinstance(reading, Measured):
        return reading if generator.random() < 0.5 else Measured(reading.stable, reading.canary)
    canary, stable = reading.canary, reading.stable
    total = canary.requests + stable.requests
    to_canary = canary.requests if kept else round(total * share)
    bad = tuple([a + b for a, b in zip(canary.bad, stable.bad, strict=True)])
    drawn = _drawn(bad, total, to_canary, generator)
    left = tuple([a - b for a, b in zip(bad, drawn, strict=True)])
    return Counted(Arm(to_canary, drawn), Arm(total - to_canary, left), reading.pods)


def _drawn(bad: tuple[int, ...], total: int, drawn: int, generator: Generator) -> tuple[int, ...]:
    """The canary's part of each count; what is slower than an edge is so than the edge before."""
    found = []
    for each in bad:
        drawn = hypergeometric(generator, each, total - each, drawn)
        total = each
        found.append(drawn)
    return tuple(found)


def worse(tick: Tick, metric: str, excess: float, generator: Generator) -> Tick:
    """The tick with a worse canary in this metric.

    excess: the share of the canary's requests that turn bad besides, each independently; of a latency metric,
    that take longer by one edge; of a gauge, by how much its value rises, as a share of it.
    """
    reading = tick.metrics.get(metric)
    if reading is None:
        return tick
    return replace(tick, metrics={**tick.metrics, metric: _worsened(reading, excess, generator)})


def _worsened(reading: Reading, excess: float, generator: Generator) -> Reading:
    if isinstance(reading, Measured):
        return Measured(reading.canary * (1 + excess), reading.stable)
    requests, bad = reading.canary
    least = (requests, *bad)
    share = (
        min(1.0, excess * requests / (requests - bad[0])) if len(bad) == 1 and bad[0] < requests else excess
    )
    slower = [
        slow + binomial(generator, before - slow, share) for before, slow in zip(least[:-1], bad, strict=True)
    ]
    return Counted(Arm(requests, tuple(slower)), reading.stable, reading.pods)
