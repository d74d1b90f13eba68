"""Does the canary get its share of the requests? Must not know why it may not.

The sequential test of Lindon and Malek ("Anytime-valid inference for multinomial count data", 2022): a
Dirichlet prior, centred at the weights, against the weights themselves. With two arms it is the beta-binomial
mixture of Howard, Ramdas, McAuliffe and Sekhon ("Time-uniform, nonparametric, nonasymptotic confidence
sequences", 2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, lgamma, log

CONCENTRATION = 100.0
"""Of the prior, in requests: alternatives within a few percent of the weights count most."""


def marginal(counts: Sequence[int], shares: Sequence[float], concentration: float = CONCENTRATION) -> float:
    """Log probability of the counts, in their order, under a Dirichlet prior centred at the shares."""
    total = lgamma(concentration) - lgamma(concentration + sum(counts))
    for count, share in zip(counts, shares, strict=True):
        total += lgamma(concentration * share + count) - lgamma(concentration * share)
    return total


def likelihood(counts: Sequence[int], shares: Sequence[float]) -> float:
    """Log probability of the counts, in their order, with these shares."""
    return sum(
        count * (log(share) if share else -inf)
        for count, share in zip(counts, shares, strict=True)
        if count  # 0 * log 0 is 0
    )


@dataclass(frozen=True, slots=True)
class Share:
    """Evidence against the weight. settled: log evidence of earlier weights; requests: at this one."""

    settled: float = 0.0
    weight: float | None = None
    canary: int = 0
    stable: int = 0


NONE = Share()
"""Before the first request."""


def counted(share: Share, weight: float, canary: int, stable: int, tolerance: float) -> Share:
    """After a tick at this weight. Another weight begins another factor of the same evidence process."""
    if weight == share.weight:
        return Share(share.settled, weight, share.canary + canary, share.stable + stable)
    return Share(evidence(share, tolerance), weight, canary, stable)


def evidence(share: Share, tolerance: float) -> float:
    """Log evidence that the share misses the weight by more than `tolerance`, relative to the weight.

    Against the best of the tolerated shares, so it is never more than against the true one.
    """
    total = share.canary + share.stable
    if not total or share.weight is None or not 0 < share.weight < 1:
        return share.settled
    low, high = share.weight * (1 - tolerance), min(1.0, share.weight * (1 + tolerance))
    best = min(high, max(low, share.canary / total))
    counts = (share.canary, share.stable)
    against = marginal(counts, (share.weight, 1 - share.weight)) - likelihood(counts, (best, 1 - best))
    return share.settled + against
