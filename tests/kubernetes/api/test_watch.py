"""What a line of a watch tells."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from laneway.kubernetes.api.errors import ApiError, Unreachable
from laneway.kubernetes.api.watch import INITIAL_EVENTS_END, Event, event


def line(type: str, /, **body: Any) -> bytes:
    """As an API server writes it."""
    return orjson.dumps({"type": type, "object": body})


def test_an_event_has_the_object_as_it_came_and_the_version_after_it() -> None:
    """A deleted object has the version of its deletion."""
    pod = {"kind": "Pod", "metadata": {"name": "pharmacy", "resourceVersion": "7"}}
    for kind in ("ADDED", "MODIFIED", "DELETED"):
        assert event(line(kind, **pod)) == Event("7", orjson.dumps(pod), deleted=kind == "DELETED")


def test_a_bookmark_has_a_version_and_may_end_the_list() -> None:
    """It is no object, although it looks like one."""
    assert event(line("BOOKMARK", metadata={"resourceVersion": "9"})) == Event("9")
    ends = {"resourceVersion": "9", "annotations": {INITIAL_EVENTS_END: "true"}}
    assert event(line("BOOKMARK", metadata=ends)) == Event("9", complete=True)


def test_an_error_is_raised_with_what_it_says() -> None:
    """So ends a watch whose version has become too old."""
    with pytest.raises(ApiError) as refused:
        event(
            line(
                "ERROR", kind="Status", code=410, reason="Expired", message="too old resource version: 1 (7)"
            )
        )
    assert refused.value.gone
    assert "too old" in str(refused.value)


@pytest.mark.parametrize("text", [b"<html>", b"{}", b'{"type": "ADDED", "object": {}}', b'{"type": "ADDED"'])
def test_what_is_no_event_does_not_pass_for_one(text: bytes) -> None:
    """It comes from something that stands in front of the API server, or is cut."""
    with pytest.raises(Unreachable, match="not an event"):
        event(text)
