"""What scripts rely on: how `release wait` ends, and what is left after `down`."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest
from tests.acceptance.running import Laneway
from tests.acceptance.systems import Service, system, write

from laneway.local.state import State

pytestmark = pytest.mark.mesh

SOLO = Service("solo", hosts=("solo.test",))
QUICK = ({"weight": 20, "hold": "100ms"}, {"weight": 100})


@pytest.fixture(scope="module")
def solo(laneway: Laneway, folder: Path) -> Laneway:
    laneway.up(write(folder, system([SOLO])).parent)
    return laneway


def start(laneway: Laneway, folder: Path, service: Service) -> str:
    """Applies another version; returns the revision that the release goes to."""
    applied = laneway.apply(write(folder, system([service])))
    revision: str = applied["releases"][0]["revision"]
    return revision


def wait(laneway: Laneway, *arguments: str) -> int:
    return laneway.run("release", "wait", "solo", *arguments).code


def test_wait_ends_with_0_when_promoted(solo: Laneway, folder: Path) -> None:
    """The new version is the only one."""
    start(solo, folder, replace(SOLO, version="v2", steps=QUICK))
    assert wait(solo, "--timeout", "30s") == 0
    solo.until_serves("solo", {"v2": 100})


def test_wait_ends_with_4_when_time_is_over_then_with_3_when_rolled_back(solo: Laneway, folder: Path) -> None:
    """A hold of ten minutes outlasts a second; the abort ends it."""
    start(solo, folder, replace(SOLO, version="v3"))
    assert wait(solo, "--timeout", "300ms") == 4
    solo.json("release", "abort", "solo", "--reason", "a test")
    assert wait(solo, "--timeout", "30s") == 3
    solo.until_serves("solo", {"v2": 100})


def test_wait_ends_with_5_when_paused(solo: Laneway, folder: Path) -> None:
    """A version that never becomes ready pauses at the step's limit, and can be aborted."""
    steps = ({"weight": 20, "hold": "100ms", "limit": "500ms", "onUnsure": "pause"}, {"weight": 100})
    start(solo, folder, replace(SOLO, version="stuck", steps=steps))
    assert wait(solo, "--timeout", "30s") == 5
    solo.until_serves("solo", {"v2": 100})
    solo.json("release", "abort", "solo")
    assert wait(solo, "--timeout", "30s") == 3


def test_wait_ends_with_6_when_superseded(solo: Laneway, folder: Path) -> None:
    """The newer revision takes its own way through the steps."""
    first = start(solo, folder, replace(SOLO, version="v5"))
    solo.until_served("solo", 20)
    applied = solo.apply(write(folder, system([replace(SOLO, version="v6", steps=QUICK)])), "--wait")
    (second,) = (release["revision"] for release in applied["releases"])
    assert second != first
    assert wait(solo, "--revision", first, "--timeout", "30s") == 6
    assert wait(solo, "--revision", second, "--timeout", "30s") == 0
    solo.until_serves("solo", {"v6": 100})


def test_wait_ends_with_1_for_an_unknown_app_and_2_for_wrong_usage(solo: Laneway) -> None:
    """Neither is an outcome of a release."""
    assert solo.run("release", "wait", "nobody", "--timeout", "1s").code == 1
    assert solo.run("release", "wait").code == 2
    assert wait(solo, "--timeout", "soon") == 2


def test_down_leaves_no_process_port_or_file(solo: Laneway) -> None:
    """As if it had never been."""
    state, address = State.at(solo.state), solo.address
    assert solo.processes()
    solo.json("down")
    assert solo.processes() == []
    assert not state.path.exists()
    assert not state.run.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
