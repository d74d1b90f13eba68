"""What a judge is told beforehand: error rates, metrics, margins. Must not know how evidence is computed.

Shares and rates are fractions of one, times are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

DEFAULT_EDGES_MS = (1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000)
"""Edges that both Istio and Laneway's own proxies count by; over fewer, evidence is diluted less."""


@dataclass(frozen=True, slots=True)
class Margin:
    """A bound on the canary's bad share: `ratio` times stable's, plus `plus`. Raises ValueError."""

    ratio: float = 1.0
    plus: float = 0.0

    def __post_init__(self) -> None:
        if not (self.ratio > 0 and 0 <= self.plus < 1):
            raise ValueError(f"a margin needs ratio > 0 and 0 <= plus < 1, not {self.ratio} and {self.plus}")


class Kind(StrEnum):
    """What a metric's readings are.

    count: bad ones of some; latency: requests slower than each edge; gauge: a value that may be anything
    above 0, read from time to time.
    """

    COUNT = "count"
    LATENCY = "latency"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class Metric:
    """What is compared between the canary and stable.

    tolerate: beyond it the canary is worse (rolled back); refuse: below it the canary is acceptable
    (promoted). Gauges use the ratios only. share: of the false-rollback rate, relative to the other metrics';
    warm_up: seconds of a new pod's life that do not count; edges_ms: of a latency metric; block: seconds over
    which a gauge is averaged before it counts, at least its autocorrelation time; falls: a gauge's lower
    values are the worse ones; phi: the least dispersion assumed, 1 where requests fail independently; source:
    who tells this metric, in words, where that is not who counts requests.

    Raises ValueError where refuse is not beyond tolerate.
    """

    name: str
    kind: Kind = Kind.COUNT
    tolerate: Margin = Margin(1.1, 0.0005)
    refuse: Margin = Margin(1.25, 0.0025)
    share: float = 1.0
    warm_up: float = 0.0
    edges_ms: tuple[int, ...] = ()
    block: float = 180.0
    falls: bool = False
    phi: float = 1.0
    source: str = ""

    def __post_init__(self) -> None:
        if self.refuse.ratio < self.tolerate.ratio or self.refuse.plus < self.tolerate.plus:
            raise ValueError(f"metric {self.name}: what is refused may not be less than what is tolerated")
        if not (self.share > 0 and self.phi >= 1):
            raise ValueError(f"metric {self.name}: share is above 0 and phi at least 1")
        if (self.kind is Kind.LATENCY) != bool(self.edges_ms):
            raise ValueError(f"metric {self.name}: edges are a latency metric's, and it needs some")

    @property
    def width(self) -> int:
        """How many bad counts a reading has: one for each edge."""
        return len(self.edges_ms) or 1


ERRORS = Metric("errors")
LATENCY = Metric(
    "latency",
    Kind.LATENCY,
    tolerate=Margin(1.1, 0.001),
    refuse=Margin(1.25, 0.01),
    warm_up=60.0,
    edges_ms=DEFAULT_EDGES_MS,
)
"""Slower requests: a cold process is slow without being worse, so its first minute does not count."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """A judge's terms.

    false_rollback (alpha): the probability that a release no worse than tolerated is ever rolled back;
    false_promote (beta): that one which some metric refuses is promoted. silence: seconds without an answer,
    without data or without requests after which this is told; lag: seconds that a request may take before
    its failure is counted, by which a promotion waits; skew: seconds by which the readings of the two arms
    may lie apart; share_tolerance: by how much the canary's share of the requests may miss its weight,
    relative to the weight; None where it is not compared (cookies or previews draw the requests).

    Raises ValueError.
    """

    metrics: tuple[Metric, ...] = (ERRORS, LATENCY)
    false_rollback: float = 0.01
    false_promote: float = 0.05
    silence: float = 60.0
    lag: float = 15.0
    skew: float = 1.0
    share_tolerance: float | None = 0.2

    def __post_init__(self) -> None:
        if not self.metrics or len({metric.name for metric in self.metrics}) < len(self.metrics):
            raise ValueError("a judge needs metrics, each of another name")
        if not (0 < self.false_rollback < 1 and 0 < self.false_promote < 1):
            raise ValueError("error rates lie between 0 and 1")

    @property
    def shares(self) -> Mapping[str, float]:
        """Each metric's part of the false-rollback rate; they sum to 1."""
        total = sum(metric.share for metric in self.metrics)
        return {metric.name: metric.share / total for metric in self.metrics}
