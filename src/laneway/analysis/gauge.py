"""Evidence from a gauge: a value read from time to time, not counted. Must not know what it measures.

Readings near each other in time resemble each other, so the log ratio canary/stable is averaged over blocks
at least as long as its integrated autocorrelation time; the block means D, less a margin, enter the t
e-process (Lai, "On confidence sequences", 1976; Wang and Ramdas, "Anytime-valid t-tests and confidence
sequences for Gaussian means with unknown variance", 2024):

    E_n = sqrt(c / (n + c)) * ((n + c) V / ((n + c) V - S^2))^(n / 2),  S = sum D, V = sum D^2, c = 1

One-sided: E counts where S > 0 only. There it grows with S^2 / V, which a shift of all D upwards increases,
so for a mean below 0 it is nowhere more than the e-process of the shifted, centred D.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log

PRIOR = 1.0
"""c: how many blocks the prior is worth."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """Sums over complete blocks, and the block that is being filled.

    total, squares: of the block means of the log ratio; since: when the open block began, None before any.
    """

    count: int = 0
    total: float = 0.0
    squares: float = 0.0
    since: float | None = None
    readings: int = 0
    sum: float = 0.0


def read(blocks: Blocks, since: float, at: float, log_ratio: float, length: float) -> Blocks:
    """After a reading that covers since..at; a block ends when it is `length` seconds long."""
    start = since if blocks.since is None else blocks.since
    readings, total = blocks.readings + 1, blocks.sum + log_ratio
    if at - start < length:
        return Blocks(blocks.count, blocks.total, blocks.squares, start, readings, total)
    mean = total / readings
    return Blocks(blocks.count + 1, blocks.total + mean, blocks.squares + mean * mean)


def evidence_above(blocks: Blocks, margin: float, sign: int = 1) -> float:
    """Log evidence that the mean of sign * (log ratio - margin) is above 0; -inf while it is seen below."""
    n = blocks.count
    s = sign * (blocks.total - n * margin)
    if not n:
        return 0.0
    if s <= 0:
        return -inf
    v = blocks.squares - 2 * margin * blocks.total + n * margin * margin
    spread = (n + PRIOR) * v
    return (log(PRIOR / (n + PRIOR)) + n * log(spread / max(spread - s * s, 1e-12 * spread))) / 2
