"""Sizes are exact integers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laneway.plan.sizing import bounds, share, size, surge_pods
from laneway.spec.values import FULL


@pytest.mark.parametrize(
    ("weight", "base", "pods"),
    [
        (700, 100, 7),
        (0, 100, 0),
        (1, 1, 1),
        (2_000, 4, 1),
        (8_000, 4, 4),
        (2_000, 20, 4),
        (FULL, 20, 20),
        (3_333, 3, 1),
    ],
)
def test_size_is_the_exact_quotient_rounded_up(weight: int, base: int, pods: int) -> None:
    """7 % of 100 is 7, and 8 as a product of floats; any weight needs a pod."""
    assert size(weight, base) == pods


@pytest.mark.parametrize(
    ("base", "surge", "pods"), [(20, 2_500, 5), (1, 2_500, 1), (3, 2_500, 1), (4, 10_000, 4), (9, 0, 1)]
)
def test_surge_is_at_least_one_pod(base: int, surge: int, pods: int) -> None:
    """Without any surge nothing could be released."""
    assert surge_pods(base, surge) == pods


@given(base=st.integers(1, FULL), data=st.data())
def test_share_is_the_largest_weight_that_pods_carry(base: int, data: st.DataObject) -> None:
    """A cut sub-shift has just the pods that it was cut to, and one basis point more would need another."""
    pods = data.draw(st.integers(1, base))
    assert size(share(pods, base), base) == pods
    assert pods == base or size(share(pods, base) + 1, base) == pods + 1


def test_autoscaler_bounds_follow_the_weight_and_are_never_below_one() -> None:
    """HorizontalPodAutoscaler refuses a bound of 0, and a maximum below the minimum."""
    assert bounds(2_000, 4, 20) == (1, 4)
    assert bounds(FULL, 4, 20) == (4, 20)
    assert bounds(1, 10, 1) == (1, 1)
    assert bounds(5_000, 10, 2) == (5, 5)
