"""A state directory: one holder, for its owner only, gone without a trace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from laneway.local.state import NotAStateError, State, StateTakenError

HOLDER = """
import sys
from pathlib import Path
from laneway.local.state import State, StateTakenError
try:
    with State.at(Path(sys.argv[1])).held():
        print("held", flush=True)
        sys.stdin.read()
except StateTakenError as error:
    print(error, flush=True)
"""


def hold(state: State) -> subprocess.Popen[str]:
    """Another process that tries to hold the state."""
    command = [sys.executable, "-c", HOLDER, str(state.path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    """The next line that it writes."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_second_holder_is_refused_by_the_firsts_pid(state: State) -> None:
    """Until the first is gone, also when it is killed."""
    with hold(state) as first, hold_after(state, first) as second:
        assert said(second) == f"held by process {first.pid}"
        assert state.holder() == first.pid
        with pytest.raises(StateTakenError):
            state.remove()
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert state.holder() is None
        with hold(state) as third:
            assert said(third) == "held"
            third.kill()


def hold_after(state: State, first: subprocess.Popen[str]) -> subprocess.Popen[str]:
    """Another process that tries once the first holds it."""
    assert said(first) == "held"
    return hold(state)


def test_everything_is_for_its_owner_alone(state: State) -> None:
    """Directories 0700, files 0600."""
    for place in (state.path, state.logs, state.run):
        assert place.stat().st_mode & 0o777 == 0o700
    assert (state.path / "laneway.lock").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("depth", [1, 12], ids=["short", "long"])
def test_sockets_have_paths_that_linux_allows(tmp_path: Path, depth: int) -> None:
    """Under 100 bytes, however long the state's own path is; removed with it."""
    state = State.at(tmp_path.joinpath(*["directory"] * depth))
    state.create()
    run = state.run
    assert len(os.fsencode(run / ("x" * 16 + ".sock"))) < 100
    (run / "left.sock").touch()
    (state.path / "left").touch()
    state.remove()
    assert not run.exists()
    assert not state.path.exists()


def test_a_directory_with_other_files_is_not_taken(tmp_path: Path) -> None:
    """They would be removed with it."""
    (tmp_path / "mine").touch()
    with pytest.raises(NotAStateError, match="not empty"):
        State.at(tmp_path).create()
    assert (tmp_path / "mine").exists()


def test_a_directory_has_one_id_by_every_path(state: State, tmp_path: Path) -> None:
    """Also through a symbolic link; another directory has another."""
    (tmp_path / "link").symlink_to(state.path)
    assert State.at(tmp_path / "link").id == state.id
    assert State.at(tmp_path / "other").id != state.id
