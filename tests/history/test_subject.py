"""Under which app, lane and revision an object's events are found."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from laneway.history.subject import Subject, event_about, subject_of
from laneway.spec.meta import Key


def obj(kind: str, name: str = "web", **fields: Any) -> dict[str, Any]:
    """An object of namespace shop."""
    metadata = {"name": name, "namespace": "shop", "labels": fields.pop("labels", {})}
    return {"kind": kind, "metadata": metadata, **fields}


REVISION = {"laneway.dev/app": "web", "laneway.dev/revision": "abc"}
LANE = {"laneway.dev/lane": "green", "laneway.dev/lane-app": "web"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (obj("App"), Subject(app="web")),
        (obj("Lane", "green"), Subject(lane="green")),
        (obj("Release", "r", spec={"apps": [{"name": "web", "revision": "abc"}]}), Subject("web", "", "abc")),
        (obj("Pod", labels=REVISION), Subject("web", "", "abc")),
        (obj("Pod", labels=LANE), Subject("web", "green", "")),
        (obj("Deployment", spec={"template": {"metadata": {"labels": LANE}}}), Subject("web", "green", "")),
        (obj("Gateway"), Subject()),
    ],
)
def test_an_object_is_about_what_its_kind_or_its_labels_say(given: dict[str, Any], expected: Subject) -> None:
    """Laneway's own kinds name it themselves, others by the labels on them or on their pods."""
    assert subject_of(given) == expected


def test_an_event_is_about_its_object() -> None:
    """The event carries the object's key and what it is about."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    event = event_about(obj("Pod", "web-1", labels=REVISION), at, "ready", "it answers", message="m", by="me")
    assert (event.at, event.kind, event.key, event.change) == (at, "Pod", Key("shop", "web-1"), "ready")
    assert (event.app, event.revision, event.reason, event.message, event.by) == (
        "web", "abc", "it answers", "m", "me",
    )  # fmt: skip
