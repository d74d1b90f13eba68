"""The whole table."""

from __future__ import annotations

from tests.calls.table import lanes, outside, releases, rules

ROWS = (*lanes.ROWS, *releases.ROWS, *rules.ROWS, *outside.ROWS)
