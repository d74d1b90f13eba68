"""A user's match, ANDed with the lane header."""

from __future__ import annotations

from typing import Any

import pytest

from laneway.manifests.narrowing import narrowed


@pytest.mark.parametrize(
    ("own", "value", "expected"),
    [
        (None, "green", {"exact": "green"}),
        (None, None, {}),
        ({}, "green", {"exact": "green"}),
        ({"exact": "green"}, "green", {"exact": "green"}),
        ({"exact": "blue"}, "green", None),
        ({"prefix": "gr"}, "green", {"exact": "green"}),
        ({"prefix": "bl"}, "green", None),
        ({"regex": "g.*n"}, "green", {"exact": "green"}),
        ({"regex": "g"}, "green", None),
        ({"regex": r"\\pL("}, "green", None),
        ({"exact": "blue"}, None, {"exact": "blue"}),
    ],
)
def test_both_conditions_on_the_lane_header_hold(own: Any, value: str | None, expected: Any) -> None:
    """None: no request can have both, so there is no rule."""
    headers = {"x-user": {"exact": "1"}} | ({} if own is None else {"x-lane": own})
    condition = {} if value is None else {"exact": value}
    found = narrowed({"uri": {"prefix": "/a"}, "headers": headers}, "x-lane", condition)
    if expected is None:
        assert found is None
    else:
        assert found == {"uri": {"prefix": "/a"}, "headers": {"x-user": {"exact": "1"}, "x-lane": expected}}


@pytest.mark.parametrize(
    ("without", "condition", "excluded"),
    [
        ({}, {"exact": "green"}, True),
        ({}, {}, True),
        ({"exact": "green"}, {"exact": "green"}, True),
        ({"exact": "green"}, {"exact": "blue"}, False),
        ({"exact": "green"}, {}, False),
    ],
)
def test_a_match_for_requests_without_the_lane_header_is_not_for_lanes(
    without: Any, condition: Any, excluded: bool
) -> None:
    """Unless another value is meant."""
    found = narrowed({"withoutHeaders": {"X-Lane": without}}, "x-lane", condition)
    assert (found is None) is excluded
