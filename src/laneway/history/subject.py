"""What an object is about: the app, lane and revision under which its events are found. Pure.

Must not know what else an object says.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from laneway.history.events import Event
from laneway.manifests import names
from laneway.spec.meta import Key


class Subject(NamedTuple):
    """Names, each empty where the object is about none."""

    app: str = ""
    lane: str = ""
    revision: str = ""


def subject_of(obj: Mapping[str, Any]) -> Subject:
    """By the object's kind where that says it, else by its labels or by those of its pods."""
    name = obj["metadata"]["name"]
    match obj["kind"]:
        case "App":
            return Subject(app=name)
        case "Lane":
            return Subject(lane=name)
        case "Release":
            first = obj["spec"]["apps"][0]
            return Subject(app=first["name"], revision=first["revision"])
    labels = obj["metadata"].get("labels", {})
    pods = obj.get("spec", {}).get("template", {}).get("metadata", {}).get("labels", {})
    found = {**pods, **labels}
    return Subject(
        app=found.get(names.APP) or found.get(names.LANE_APP, ""),
        lane=found.get(names.LANE, ""),
        revision=found.get(names.REVISION, ""),
    )


def event_about(
    obj: Mapping[str, Any],
    at: datetime,
    change: str,
    reason: str,
    *,
    message: str = "",
    by: str = "",
    data: Mapping[str, Any] | None = None,
) -> Event:
    """An event of this object, found under what the object is about."""
    metadata = obj["metadata"]
    return Event(
        at=at,
        kind=obj["kind"],
        key=Key(metadata.get("namespace", "default"), metadata["name"]),
        change=change,
        reason=reason,
        message=message,
        by=by,
        data=data or {},
        **subject_of(obj)._asdict(),
    )
