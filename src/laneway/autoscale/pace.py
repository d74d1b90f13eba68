"""How fast pods may come and go: stabilization over recent recommendations, and policies for each period.

Source: Kubernetes 1.36, pkg/controller/podautoscaler/horizontal.go and pkg/apis/autoscaling/v2/defaults.go.
Without `behavior` Kubernetes has rules of its own, which are not the defaults of its fields.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from laneway.spec.autoscaling import Behavior, ScalingPolicy, ScalingRules

DOWN_WINDOW = timedelta(minutes=5)
"""Over which the highest recommendation holds, unless `behavior` says otherwise."""
REMEMBERED = timedelta(hours=1)
"""No window is longer."""

_UP_POLICIES = (
    ScalingPolicy(type="Pods", value=4, period_seconds=15),
    ScalingPolicy(type="Percent", value=100, period_seconds=15),
)
_DOWN_POLICIES = (ScalingPolicy(type="Percent", value=100, period_seconds=15),)


class Mark(NamedTuple):
    """A number of pods, recommended, added or removed at a time."""

    at: datetime
    pods: int


@dataclass(frozen=True, slots=True)
class Memory:
    """What was recommended, added and removed within the last hour, oldest first."""

    recommended: tuple[Mark, ...] = ()
    added: tuple[Mark, ...] = ()
    removed: tuple[Mark, ...] = ()

    def recommending(self, pods: int, now: datetime) -> Memory:
        """With one more recommendation, and without what is too old to matter."""
        kept = _since(self.recommended, now - REMEMBERED)
        return replace(self, recommended=(*kept, Mark(now, pods)))

    def changed(self, before: int, after: int, now: datetime) -> Memory:
        """With a change of the number of pods."""
        added, removed = _since(self.added, now - REMEMBERED), _since(self.removed, now - REMEMBERED)
        if after > before:
            added = (*added, Mark(now, after - before))
        if after < before:
            removed = (*removed, Mark(now, before - after))
        return replace(self, added=added, removed=removed)


class Word(NamedTuple):
    """Why, as a condition has it: its reason, and the sentence."""

    reason: str
    text: str


class Paced(NamedTuple):
    """A number of pods after one rule, and why. cut: whether the rule changed it."""

    pods: int
    word: Word
    cut: bool


_UP_STABILIZED = Word(
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
)
_DOWN_STABILIZED = Word(
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent recommendation",
)
_READY = Word("ReadyForNewScale", "recommended size matches current size")
_TOO_MANY = Word("TooManyReplicas", "the desired replica count is more than the maximum replica count")
_TOO_FEW = Word("TooFewReplicas", "the desired replica count is less than the minimum replica count")
_UP_LIMIT = Word("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate")
_DOWN_LIMIT = Word(
    "ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate"
)
_WITHIN = Word("DesiredWithinRange", "the desired count is within the acceptable range")


def stabilized(current: int, wanted: int, memory: Memory, behavior: Behavior | None, now: datetime) -> Paced:
    """The recommendation after the windows: the lowest of one before going up, the highest before down."""
    if behavior is None:
        highest = max([wanted, *_recent(memory.recommended, now - DOWN_WINDOW, included=True)])
        return Paced(highest, _DOWN_STABILIZED if highest != wanted else _READY, highest != wanted)
    up_window, down_window = (
        _window(behavior.scale_up, timedelta(0)),
        _window(behavior.scale_down, DOWN_WINDOW),
    )
    lowest = min([wanted, *_recent(memory.recommended, now - up_window)])
    highest = max([wanted, *_recent(memory.recommended, now - down_window)])
    steady = min(max(current, lowest), highest)
    word = _UP_STABILIZED if wanted >= current else _DOWN_STABILIZED
    return Paced(steady, word if steady != wanted else _READY, steady != wanted)


def limited(
    current: int,
    wanted: int,
    bounds: tuple[int, int],
    memory: Memory,
    behavior: Behavior | None,
    now: datetime,
) -> Paced:
    """The recommendation within the bounds, and no faster than the policies allow."""
    least, most = bounds
    if behavior is None:
        return _limited_by_default(current, wanted, least, most)
    if wanted > current:
        fastest = max(current, _highest(current, memory, behavior.scale_up, now))
        limit, word = (fastest, _UP_LIMIT) if fastest < most else (most, _TOO_MANY)
        return Paced(limit, word, True) if wanted > limit else Paced(wanted, _WITHIN, False)
    if wanted < current:
        fastest = min(current, _lowest(current, memory, behavior.scale_down, now))
        limit, word = (fastest, _DOWN_LIMIT) if fastest > least else (least, _TOO_FEW)
        return Paced(limit, word, True) if wanted < limit else Paced(wanted, _WITHIN, False)
    return Paced(wanted, _WITHIN, False)


def _limited_by_default(current: int, wanted: int, least: int, most: int) -> Paced:
    fastest = max(2 * current, 4)
    limit, word = (fastest, _UP_LIMIT) if fastest < most else (most, _TOO_MANY)
    if wanted < least:
        return Paced(least, _TOO_FEW, True)
    return Paced(limit, word, True) if wanted > limit else Paced(wanted, _WITHIN, False)


def _highest(current: int, memory: Memory, rules: ScalingRules, now: datetime) -> int:
    if rules.select_policy == "Disabled":
        return current
    allowed = []
    for policy in rules.policies or _UP_POLICIES:
        before = _at_start(current, memory, policy, now)
        percent = math.ceil(before * (1 + policy.value / 100))  # a double, as in Kubernetes
        allowed.append(before + policy.value if policy.type == "Pods" else percent)
    return min(allowed) if rules.select_policy == "Min" else max(allowed)


def _lowest(current: int, memory: Memory, rules: ScalingRules, now: datetime) -> int:
    if rules.select_policy == "Disabled":
        return current
    allowed = []
    for policy in rules.policies or _DOWN_POLICIES:
        before = _at_start(current, memory, policy, now)
        percent = int(before * (1 - policy.value / 100))  # truncated, as in Kubernetes
        allowed.append(before - policy.value if policy.type == "Pods" else percent)
    return max(allowed) if rules.select_policy == "Min" else min(allowed)


def _at_start(current: int, memory: Memory, policy: ScalingPolicy, now: datetime) -> int:
    """Pods at the start of the policy's period."""
    start = now - timedelta(seconds=policy.period_seconds)
    return current - sum(_recent(memory.added, start)) + sum(_recent(memory.removed, start))


def _window(rules: ScalingRules, default: timedelta) -> timedelta:
    seconds = rules.stabilization_window_seconds
    return default if seconds is None else timedelta(seconds=seconds)


def _recent(marks: Iterable[Mark], start: datetime, included: bool = False) -> list[int]:
    return [mark.pods for mark in marks if mark.at > start or (included and mark.at == start)]


def _since(marks: Iterable[Mark], start: datetime) -> tuple[Mark, ...]:
    return tuple(mark for mark in marks if mark.at >= start)
