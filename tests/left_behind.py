"""What a run of tests has left on the machine: processes, and the folders of states' sockets."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from laneway.local.process import procfs
from laneway.local.state import State

_DEPTH_MAX = 3
"""Of states below a run's folder: pytest's folder of a test, one in it, the state."""


def left_behind(folder: Path) -> list[str]:
    """Everything of the run whose temporary files are in this folder, in words; it should be nothing.

    That is: children of this process; processes that name the folder in their command, as daemons do, or
    carry the id of a state in it, as all parts of pods do; run folders of such states outside of it.
    """
    states = {State.at(path).id: State.at(path) for path in _candidates(folder)}
    found = [
        f"process {pid}: {' '.join(command)}"
        for pid, command in _processes()
        if _of_run(pid, command, folder, states.keys())
    ]
    runs = {state.run for state in states.values() if not state.run.is_relative_to(folder)}
    return found + sorted(f"folder {run}" for run in runs if run.exists())


def _candidates(folder: Path) -> Iterator[Path]:
    """Where states were or may have been: a state that is taken down leaves no trace of its own."""
    for parent, folders, _ in os.walk(folder):
        here = Path(parent)
        if len(here.relative_to(folder).parts) >= _DEPTH_MAX:
            folders.clear()
        yield here
        yield here / "state"


def _processes() -> Iterator[tuple[int, list[str]]]:
    for pid in procfs.pids():
        stat = procfs.stat(pid)
        if stat is not None and not stat.zombie and pid != os.getpid():
            yield pid, _command(pid)


def _command(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def _of_run(pid: int, command: list[str], folder: Path, states: Collection[str]) -> bool:
    stat = procfs.stat(pid)
    if stat is None:
        return False
    mine = stat.parent == os.getpid()
    named = any(str(folder) in word for word in command)
    return mine or named or procfs.environment(pid).get("LANEWAY_STATE", "") in states
