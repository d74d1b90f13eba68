"""Changes in words."""

from __future__ import annotations

from typing import Any

import pytest

from laneway.local.difference import difference


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"spec": {"replicas": 4}}, {"spec": {"replicas": 5}}, "spec.replicas: 4 → 5"),
        ({"a": 1}, {"b": "x"}, "a: 1 → unset, b: unset → x"),
        ({"http": [{"weight": 80}, {"weight": 20}]}, {"http": [{"weight": 55}, {"weight": 45}]},
         "http[0].weight: 80 → 55, http[1].weight: 20 → 45"),
        ({"l": [1]}, {"l": [1, 2]}, "l: [1] → [1, 2]"),
        ({"a": 1}, {"a": 1}, ""),
    ],
)  # fmt: skip
def test_only_what_changed_is_named_with_both_values(old: Any, new: Any, expected: str) -> None:
    """Fields by their path, lists of the same length item by item."""
    assert difference(old, new) == expected


def test_of_a_secret_no_value_is_shown() -> None:
    """Neither the old one nor the new one, wherever it stands."""
    old = {"kind": "Secret", "data": {"p": "b2xk"}, "metadata": {"annotations": {"last": "b2xk"}}}
    new = {"kind": "Secret", "data": {"p": "bmV3"}, "metadata": {"annotations": {"last": "bmV3"}}}
    assert difference(old, new) == "data.p changed, metadata.annotations.last changed"


def test_long_changes_are_cut() -> None:
    """Six places and sixty characters of a value are enough for a line of history."""
    text = difference({}, {f"f{n}": "x" * 100 for n in range(9)})
    assert text.count("→") == 6
    assert text.endswith(", and 3 more")
    assert "x" * 60 not in text
