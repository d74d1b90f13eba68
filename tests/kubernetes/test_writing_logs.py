"""A controller's log as JSON."""

from __future__ import annotations

import json
import logging
import sys

from laneway.kubernetes.writing_logs import JsonLines


def record(message: str, *args: object, failed: bool = False) -> logging.LogRecord:
    """Something that was logged."""
    found = sys.exc_info() if failed else None
    made = logging.LogRecord("laneway.x", logging.WARNING, "x.py", 1, message, args, found)
    made.created = 1.5
    return made


def test_a_record_is_one_line_with_time_and_level() -> None:
    """Whatever the message has in it."""
    line = JsonLines().format(record("%s\nis gone", "App shop/pharmacy"))
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:01.500Z",
        "level": "warning",
        "logger": "laneway.x",
        "message": "App shop/pharmacy\nis gone",
    }


def test_a_failure_has_its_traceback() -> None:
    """In the same line."""
    try:
        raise ValueError("broken")
    except ValueError:
        line = JsonLines().format(record("failed", failed=True))
    assert "ValueError: broken" in json.loads(line)["error"]
