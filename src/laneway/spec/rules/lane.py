"""Rules of Lanes: the apps they name, their values, and where they fall back to."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.spec.lane import Lane
from laneway.spec.meta import Key
from laneway.spec.problems import Code
from laneway.spec.rules.scope import Fault, Scope

THROUGH = ("spec", "fallback", "through")


def lane_apps_exist(scope: Scope) -> Iterator[Fault]:
    """A lane deploys Apps that there are, in its own namespace."""
    for lane in scope.spec.lanes.values():
        for index, app in enumerate(lane.spec.apps):
            key = Key(lane.metadata.namespace, app.name)
            if key not in scope.spec.apps:
                yield Fault(Code.NO_APP, lane, ("spec", "apps", index, "name"), f"there is no App {key}")


def lane_apps_differ(scope: Scope) -> Iterator[Fault]:
    """A lane deploys an App once."""
    for lane in scope.spec.lanes.values():
        names = [app.name for app in lane.spec.apps]
        for index, name in enumerate(names):
            if name in names[:index]:
                path = ("spec", "apps", index, "name")
                yield Fault(Code.APP_TWICE, lane, path, f"the lane has App {name} twice")


def lane_values_differ(scope: Scope) -> Iterator[Fault]:
    """One value of the lane header selects one lane, whatever its namespace."""
    first: dict[str, Lane] = {}
    for lane in scope.spec.lanes.values():
        other = first.setdefault(lane.value, lane)
        if other is not lane:
            path = ("spec", "value") if lane.spec.value else ("metadata", "name")
            text = f"lane {lane.key} and lane {other.key} both have the value {lane.value}"
            yield Fault(Code.LANE_VALUE_TWICE, lane, path, text)


def fallback_lanes_exist(scope: Scope) -> Iterator[Fault]:
    """A lane falls back through lanes that there are, in its own namespace."""
    for lane in scope.spec.lanes.values():
        for index, name in enumerate(lane.spec.fallback.through):
            key = Key(lane.metadata.namespace, name)
            if key not in scope.spec.lanes:
                yield Fault(Code.NO_LANE, lane, (*THROUGH, index), f"there is no Lane {key}")


def fallback_ends(scope: Scope) -> Iterator[Fault]:
    """A lane never falls back to itself, by whatever way."""
    for lane in scope.spec.lanes.values():
        for index, name in enumerate(lane.spec.fallback.through):
            if _leads(scope, Key(lane.metadata.namespace, name), lane.key):
                way = "itself" if name == lane.metadata.name else f"itself through {name}"
                yield Fault(
                    Code.FALLBACK_CYCLE, lane, (*THROUGH, index), f"lane {lane.key} falls back to {way}"
                )


def _leads(scope: Scope, start: Key, goal: Key) -> bool:
    """Whether the fallbacks of `start` reach `goal`."""
    seen: set[Key] = set()
    ahead = [start]
    while ahead:
        key = ahead.pop()
        if key == goal:
            return True
        lane = scope.spec.lanes.get(key)
        if lane and key not in seen:
            seen.add(key)
            ahead.extend(Key(key.namespace, name) for name in lane.spec.fallback.through)
    return False
