"""How soon something new in a status is written: a write of it costs as much as one of a rule. Pure.

Programs wait for conditions, and are told at once. People look at weights and sentences: what these were for
less than a few seconds nobody would have read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

AT_ONCE = timedelta(0)
READ_EVERY = timedelta(seconds=5)
"""Weights, sentences."""
NUMBERS_EVERY = timedelta(seconds=10)
"""Numbers of pods alone."""
OF_MANY_EVERY = timedelta(seconds=0.25)
"""While many Apps move, all of these together."""
LATEST = timedelta(seconds=30)
"""However many move."""

_NEWS = ("observedGeneration", "stable", "release")


def pace(before: Mapping[str, Any], now: Mapping[str, Any], moving: int = 1) -> timedelta:
    """How long after the last write a status may be written that was `before` and is to be `now`.

    moving: Apps and Lanes that are not at rest.
    """
    if _news(before) != _news(now):
        return AT_ONCE
    alone = READ_EVERY if _read(before) != _read(now) else NUMBERS_EVERY
    return max(alone, min(moving * OF_MANY_EVERY, LATEST))


def _news(status: Mapping[str, Any]) -> tuple[object, ...]:
    found = [
        (each["type"], each["status"], each["reason"], each.get("observedGeneration"))
        for each in status.get("conditions") or ()
    ]
    return found, *(status.get(name) for name in _NEWS)


def _read(status: Mapping[str, Any]) -> tuple[object, ...]:
    versions = status.get("versions") or ()
    weights = [(each["revision"], each["role"], each.get("weight"), each.get("served")) for each in versions]
    return weights, [each["message"] for each in status.get("conditions") or ()]
