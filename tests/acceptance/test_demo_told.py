"""The demo as `make demo` runs it, with its numbers as JSON."""

from __future__ import annotations

import json
import subprocess

import pytest
from tests.acceptance.running import PROGRAM

pytestmark = pytest.mark.mesh


def test_the_demo_meets_its_own_expectations_within_a_minute() -> None:
    """Every number of the story is there, and nothing failed."""
    done = subprocess.run(
        [str(PROGRAM), "demo", "--fast", "-o", "json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["failure"] == ""
    assert (told["lane"]["strays"], told["load"]["failed"]) == (0, 0)
    assert told["release"]["moves"][-1]["weights"] == {"2.0": 100}
    assert told["abort"]["wrong_requests"] > 0
