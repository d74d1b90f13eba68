"""The check after all tests sees what it is there to see."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.left_behind import left_behind

from laneway.local.state import State

SLEEP = ["sleep", "600"]


@contextmanager
def orphan(command: list[str], **variables: str) -> Iterator[int]:
    """A process that is no child of this one."""
    script = '"$@" >/dev/null 2>&1 & echo $!'
    done = subprocess.run(
        ["sh", "-c", script, "sh", *command],
        env=os.environ | variables,
        capture_output=True,
        check=True,
        text=True,
    )
    pid = int(done.stdout)
    try:
        yield pid
    finally:
        os.kill(pid, 9)


def seen(folder: Path, before: list[str]) -> list[str]:
    """What is there now, but for what other tests of this run still use."""
    return [each for each in left_behind(folder) if each not in before]


def test_a_part_of_a_pod_is_seen_by_its_state(tmp_path: Path) -> None:
    """Also where the state itself was removed."""
    state, before = State.at(tmp_path / "state"), left_behind(tmp_path)
    with orphan(SLEEP, LANEWAY_STATE=state.id) as pid:
        assert seen(tmp_path, before) == [f"process {pid}: sleep 600"]
    with orphan(SLEEP, LANEWAY_STATE="0123456789ab"):
        assert seen(tmp_path, before) == []


def test_a_daemon_is_seen_by_its_command(tmp_path: Path) -> None:
    """It names its state's folder there."""
    before = left_behind(tmp_path)
    with orphan(["tail", "-f", "/dev/null", "--", str(tmp_path / "x")]) as pid:
        (found,) = seen(tmp_path, before)
    assert found.startswith(f"process {pid}: tail")


def test_a_child_is_seen(tmp_path: Path) -> None:
    """Whatever it is."""
    before = left_behind(tmp_path)
    with subprocess.Popen(SLEEP) as child:
        found = seen(tmp_path, before)
        child.kill()
    assert found == [f"process {child.pid}: sleep 600"]
    assert seen(tmp_path, before) == []


def test_a_run_folder_is_seen(tmp_path: Path) -> None:
    """Of a state whose path is too long to hold its sockets."""
    folder = tmp_path / ("long-" * 20)
    folder.mkdir()
    state = State.at(folder / "state")
    before = left_behind(tmp_path)
    state.create()
    assert seen(tmp_path, before) == [f"folder {state.run}"]
    state.remove()
    assert seen(tmp_path, before) == []
