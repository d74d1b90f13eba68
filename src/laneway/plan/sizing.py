"""How many pods a version needs for the weight it carries. Integers only: `ceil(0.07 * 100)` is 8.

Weights are basis points, base is the pods of the app as a whole.
"""

from __future__ import annotations

from laneway.spec.values import FULL


def ceil_div(dividend: int, divisor: int) -> int:
    """The quotient, rounded up."""
    return -(-dividend // divisor)


def size(weight: int, base: int) -> int:
    """Pods that carry a weight: none for none, else at least one."""
    return max(1, ceil_div(weight * base, FULL)) if weight else 0


def surge_pods(base: int, surge: int) -> int:
    """Pods that a release may add to the app's base; surge in basis points of the base."""
    return max(1, ceil_div(base * surge, FULL))


def bounds(weight: int, base: int, maximum: int) -> tuple[int, int]:
    """Least and most pods of a version's autoscaler; both at least 1, as HorizontalPodAutoscaler demands."""
    least = max(1, size(weight, base))
    return least, max(least, ceil_div(weight * maximum, FULL))


def share(pods: int, base: int) -> int:
    """The weight, in basis points, that `pods` of `base` carry; rounded down, so that they suffice."""
    return min(FULL, FULL * pods // base)
