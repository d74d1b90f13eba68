"""The Deployment that is an App's template: it has no pods of its own once the App serves. Pure.

Scaled to zero once. Who scales it up again means it, or has `replicas` in Git: that is said, never fought.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HELD = "laneway.dev/replicas"
"""Annotation: how many pods the Deployment had when it was first held at zero."""


def size_of(deployment: Mapping[str, Any]) -> int:
    """The pods that it asks for, or asked for before it was held."""
    noted = (deployment["metadata"].get("annotations") or {}).get(HELD, "")
    if noted.isdecimal():
        return int(noted)
    replicas: int = deployment["spec"].get("replicas", 1)
    return replicas


def is_held(deployment: Mapping[str, Any]) -> bool:
    """It has no pods."""
    return bool(deployment["spec"].get("replicas", 1) == 0)


def is_contested(deployment: Mapping[str, Any]) -> bool:
    """It was held at zero, and somebody has scaled it up since."""
    return HELD in (deployment["metadata"].get("annotations") or {}) and not is_held(deployment)


def hold(deployment: Mapping[str, Any]) -> dict[str, Any]:
    """The merge patch that holds it at zero and remembers its size."""
    return {
        "metadata": {
            "annotations": {HELD: str(size_of(deployment))},
            "resourceVersion": deployment["metadata"]["resourceVersion"],
        },
        "spec": {"replicas": 0},
    }
