"""How fast pods come and go."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from tests.autoscale.samples import NOW

from laneway.autoscale.pace import Mark, Memory, limited, stabilized
from laneway.spec.autoscaling import Behavior


def behavior(up: Any = None, down: Any = None) -> Behavior:
    """A behavior; Kubernetes' defaults where nothing is said."""
    return Behavior.model_validate({"scaleUp": up or {}, "scaleDown": down or {}})


def ago(*marks: tuple[int, int]) -> tuple[Mark, ...]:
    """Marks, each so many seconds ago."""
    return tuple(Mark(NOW - timedelta(seconds=seconds), pods) for seconds, pods in marks)


def policies(*written: tuple[str, int, int], **more: Any) -> Any:
    """Rules with policies of type, value and period."""
    return {"policies": [{"type": t, "value": v, "periodSeconds": p} for t, v, p in written]} | more


LEAST_UP = policies(("Pods", 2, 60), ("Percent", 100, 60), selectPolicy="Min")
LEAST_DOWN = policies(("Pods", 5, 60), ("Percent", 10, 60), selectPolicy="Min")


@pytest.mark.parametrize(
    ("rules", "current", "wanted", "expected", "reason"),
    [
        (None, 10, 4, 9, "ScaleDownStabilized"),
        (None, 10, 12, 12, "ReadyForNewScale"),
        (behavior(), 10, 4, 9, "ScaleDownStabilized"),
        (behavior(), 8, 4, 8, "ScaleDownStabilized"),
        (behavior(), 10, 12, 12, "ReadyForNewScale"),
        (behavior(down={"stabilizationWindowSeconds": 0}), 10, 4, 4, "ReadyForNewScale"),
        (behavior(up={"stabilizationWindowSeconds": 60}), 4, 12, 7, "ScaleUpStabilized"),
        (behavior(up={"stabilizationWindowSeconds": 10}), 4, 12, 12, "ReadyForNewScale"),
    ],
)
def test_the_highest_of_a_window_goes_down_and_the_lowest_goes_up(
    rules: Behavior | None, current: int, wanted: int, expected: int, reason: str
) -> None:
    """Recommended were 9 pods 200 s ago, 7 half a minute ago; 30 long ago."""
    memory = Memory(recommended=ago((400, 30), (200, 9), (30, 7)))
    paced = stabilized(current, wanted, memory, rules, NOW)
    assert (paced.pods, paced.word.reason, paced.cut) == (expected, reason, expected != wanted)


def test_without_behavior_what_was_recommended_comes_back() -> None:
    """Kubernetes' own rule: a shift of weight would be undone for five minutes by it."""
    memory = Memory(recommended=ago((200, 9)))
    assert stabilized(5, 5, memory, None, NOW).pods == 9
    assert stabilized(5, 5, memory, behavior(), NOW).pods == 5


@pytest.mark.parametrize(
    ("rules", "current", "wanted", "expected", "reason"),
    [
        (None, 1, 9, 4, "ScaleUpLimit"),
        (None, 3, 9, 6, "ScaleUpLimit"),
        (None, 12, 30, 20, "TooManyReplicas"),
        (None, 9, 1, 2, "TooFewReplicas"),
        (behavior(), 1, 9, 5, "ScaleUpLimit"),
        (behavior(), 6, 19, 12, "ScaleUpLimit"),
        (behavior(), 15, 30, 20, "TooManyReplicas"),
        (behavior(), 9, 1, 2, "TooFewReplicas"),
        (behavior(), 9, 5, 5, "DesiredWithinRange"),
        (behavior(up=policies(("Pods", 2, 60))), 3, 9, 5, "ScaleUpLimit"),
        (behavior(up=policies(("Percent", 10, 60))), 4, 9, 5, "ScaleUpLimit"),
        (behavior(up=LEAST_UP), 4, 9, 6, "ScaleUpLimit"),
        (behavior(up={"selectPolicy": "Disabled"}), 4, 9, 4, "ScaleUpLimit"),
        (behavior(down=policies(("Pods", 1, 60))), 9, 2, 8, "ScaleDownLimit"),
        (behavior(down=policies(("Percent", 10, 60))), 9, 2, 8, "ScaleDownLimit"),
        (behavior(down=LEAST_DOWN), 9, 2, 8, "ScaleDownLimit"),
        (behavior(down={"selectPolicy": "Disabled"}), 9, 2, 9, "ScaleDownLimit"),
    ],
)  # fmt: skip
def test_policies_and_bounds_limit_a_change(
    rules: Behavior | None, current: int, wanted: int, expected: int, reason: str
) -> None:
    """From 2 to 20 pods; without `behavior` at most twice as many, or 4."""
    paced = limited(current, wanted, (2, 20), Memory(), rules, NOW)
    assert (paced.pods, paced.word.reason, paced.cut) == (expected, reason, expected != wanted)


def test_a_policy_counts_what_its_period_has_seen() -> None:
    """Two of the four pods of this minute are there already; one that went makes room for one."""
    slow = behavior(up=policies(("Pods", 4, 60)), down=policies(("Pods", 4, 60)))
    grown = Memory(added=ago((90, 5), (30, 2)))
    assert limited(8, 20, (1, 20), grown, slow, NOW).pods == 10
    both = Memory(added=ago((30, 2)), removed=ago((20, 1)))
    assert limited(8, 20, (1, 20), both, slow, NOW).pods == 11
    assert limited(8, 1, (1, 20), Memory(removed=ago((10, 4))), slow, NOW).pods == 8


def test_a_memory_forgets_what_no_window_reaches() -> None:
    """Else it would grow for as long as the daemon runs."""
    old = Memory(ago((4_000, 9)), ago((4_000, 1)), ago((4_000, 1)))
    assert old.recommending(3, NOW).changed(3, 5, NOW) == Memory((Mark(NOW, 3),), (Mark(NOW, 2),), ())


rules_of = some.builds(
    behavior,
    some.fixed_dictionaries({"stabilizationWindowSeconds": some.integers(0, 600)}),
    some.fixed_dictionaries({"selectPolicy": some.sampled_from(["Max", "Min", "Disabled"])}),
)
marks_of = some.lists(some.tuples(some.integers(0, 900), some.integers(0, 9)), max_size=6).map(
    lambda marks: ago(*marks)
)


@given(some.integers(1, 20), some.integers(0, 40), marks_of, marks_of, some.none() | rules_of)
def test_a_change_never_turns_round_and_keeps_the_bounds(
    current: int, wanted: int, recommended: tuple[Mark, ...], added: tuple[Mark, ...], rules: Behavior | None
) -> None:
    """Whatever was remembered."""
    memory = Memory(recommended, added)
    steady = stabilized(current, wanted, memory, rules, NOW)
    final = limited(current, steady.pods, (1, 20), memory, rules, NOW)
    assert 1 <= final.pods <= 20
    assert (steady.pods - current) * (final.pods - current) >= 0
    if rules is not None:
        assert min(current, wanted) <= steady.pods <= max(current, wanted)
