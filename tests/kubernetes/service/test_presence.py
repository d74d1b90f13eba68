"""Whether a controller acts, by its Lease."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from laneway.kubernetes.service.presence import PATIENCE, absent

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def lease(holder: str = "pod-1", ago: timedelta = timedelta()) -> dict[str, Any]:
    """A Lease that was renewed then."""
    renewed = f"{NOW - ago:%Y-%m-%dT%H:%M:%S.%fZ}"
    return {"spec": {"holderIdentity": holder, "renewTime": renewed, "leaseDurationSeconds": 15}}


def test_who_holds_the_lease_acts() -> None:
    """A clock may differ a little."""
    assert absent(lease(), NOW) is None
    assert absent(lease(ago=PATIENCE), NOW) is None
    assert absent(lease(ago=-PATIENCE), NOW) is None


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (None, "has ever led"),
        (lease(holder=""), "nobody holds"),
        (lease(ago=PATIENCE + timedelta(seconds=1)), "pod-1 is silent since 2029-12-31 23:59:29 UTC"),
    ],
)
def test_why_nobody_acts_is_said(found: dict[str, Any] | None, why: str) -> None:
    """In words."""
    said = absent(found, NOW)
    assert said is not None
    assert why in said
