"""What tests of the loop have in common."""

from __future__ import annotations

import pytest
from tests.control.memory import World, app


@pytest.fixture
def world() -> World:
    """A world with one app, pharmacy, not yet looked at."""
    made = World()
    for body in app("pharmacy", "pharmacy:1"):
        made.put(body)
    return made
