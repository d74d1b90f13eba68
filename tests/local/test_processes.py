"""Real processes: started clean, watched, adopted, ended with everything they started."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from tests.local.eventually import eventually

from laneway.local.process import procfs
from laneway.local.process.markers import Identity, Marker, Part, find
from laneway.local.process.processes import Process, adopt, clean_environment, kill_all, kill_marked, spawn
from laneway.spec.meta import Key

SOON = timedelta(seconds=5)
OBEDIENT = "trap 'echo bye; exit' TERM; setsid sleep 60 & sleep 60 & echo up; wait"
STUBBORN = "trap '' TERM; sleep 60 & echo up; while :; do wait; done"
WEB, CART = Key("shop", "web-1"), Key("shop", "cart-1")


async def start(folder: Path, *argv: str, env: dict[str, str] | None = None) -> Process:
    """Start a command, its output in `log`."""
    return await spawn(argv, clean_environment() | (env or {}), folder, folder / "log")


def gone(pid: int) -> bool:
    """Whether nothing is left of a process, not even a zombie."""
    return procfs.stat(pid) is None


def dead(pid: int) -> bool:
    """Whether a process that is not our child runs no more."""
    stat = procfs.stat(pid)
    return stat is None or stat.zombie


async def output(folder: Path, text: str) -> None:
    """Wait until the process wrote this."""
    await eventually(lambda: text in (folder / "log").read_text())


@pytest.mark.parametrize(
    ("script", "status"),
    [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", -9)],
    ids=["success", "failure", "signal"],
)
async def test_the_end_of_a_child_is_its_status(tmp_path: Path, script: str, status: int) -> None:
    """The exit status, or the signal's number, negative; and the child is reaped."""
    process = await start(tmp_path, "sh", "-c", script)
    assert await process.wait() == status
    assert not process.running
    assert gone(process.identity.pid)


async def test_a_process_gets_a_clean_environment_and_a_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is set around us does not leak in; this interpreter's commands come first; output is appended."""
    monkeypatch.setenv("SECRET", "of the shell")
    monkeypatch.setenv("TZ", "Europe/Berlin")
    (tmp_path / "log").write_text("before\n")
    process = await start(tmp_path, "sh", "-c", "env; pwd; cat", env={"MINE": "1"})
    assert await process.wait() == 0
    lines = (tmp_path / "log").read_text().splitlines()
    assert lines[0] == "before"
    assert {"MINE=1", "TZ=Europe/Berlin", str(tmp_path)} <= set(lines)
    assert f"PATH={Path(sys.executable).parent}:" in "\n".join(lines)
    assert not any(line.startswith("SECRET=") for line in lines)


async def test_a_process_leads_its_session_and_its_log_is_private(tmp_path: Path) -> None:
    """So it survives the terminal, and others do not read what it writes."""
    process = await start(tmp_path, "sleep", "60")
    stat = procfs.stat(process.identity.pid)
    assert stat is not None
    assert stat.session == process.identity.pid
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600
    await process.stop(SOON)


async def test_a_command_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """It names the file, and nothing is left."""
    with pytest.raises(FileNotFoundError) as caught:
        await start(tmp_path, "no-such-command")
    assert caught.value.filename == "no-such-command"


async def test_a_start_that_is_cancelled_leaves_no_process(tmp_path: Path) -> None:
    """Whatever had been started by then is killed."""
    marker = Marker(uuid4().hex, 64, WEB, Part.APP)
    starting = asyncio.create_task(start(tmp_path, "sleep", "60", env=marker.environment()))
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    for _ in range(3):  # starts are served in turn: after these, the cancelled one would be there
        await (await start(tmp_path, "true")).wait()
    assert find(marker.state) == []


async def test_a_process_that_obeys_ends_by_sigterm(tmp_path: Path) -> None:
    """It is not killed before its time."""
    process = await start(
        tmp_path, "sh", "-c", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.01; done"
    )
    await output(tmp_path, "up")
    await process.stop(SOON)
    assert "bye" in (tmp_path / "log").read_text()
    assert await process.wait() == 0


async def test_a_process_that_does_not_obey_is_killed_with_its_session(tmp_path: Path) -> None:
    """After the grace, and its children with it, so that their ports are free."""
    process = await start(tmp_path, "sh", "-c", STUBBORN, env={"LANEWAY_STATE": "x"})
    await output(tmp_path, "up")
    members = [s.pid for p in procfs.pids() if (s := procfs.stat(p)) and s.session == process.identity.pid]
    assert len(members) == 2
    await process.stop(timedelta(seconds=0.05))
    assert await process.wait() == -signal.SIGKILL
    assert all(dead(pid) for pid in members)


async def test_children_that_outlive_their_parent_are_killed(tmp_path: Path) -> None:
    """A part is over when its first process is, as in a container."""
    process = await start(tmp_path, "sh", "-c", "sleep 60 & echo $!")
    await process.wait()
    child = int((tmp_path / "log").read_text())
    assert not dead(child)
    await process.end_session()
    assert dead(child)


async def test_an_adopted_process_is_watched_to_its_end(tmp_path: Path) -> None:
    """Also one that is not our child: a grandchild here, whose status only its parent is told."""
    parent = await start(tmp_path, "sh", "-c", "sleep 60 & echo $!; wait")
    await output(tmp_path, "\n")
    pid = int((tmp_path / "log").read_text())
    stat = procfs.stat(pid)
    assert stat is not None
    process = adopt(Identity(pid, stat.started))
    assert process is not None
    process.signal(signal.SIGTERM)
    assert await process.wait() is None
    await parent.wait()


async def test_a_pid_that_was_given_to_another_is_not_adopted(tmp_path: Path) -> None:
    """Start time and boot of the machine tell; a process that is gone is not adopted either."""
    process = await start(tmp_path, "sleep", "60")
    pid, started = process.identity.pid, process.identity.started
    assert adopt(Identity(pid, started - 1)) is None
    assert adopt(Identity(pid, started, boot="the one before")) is None
    await process.stop(SOON)
    assert adopt(process.identity) is None


async def test_forgotten_processes_run_on(tmp_path: Path) -> None:
    """And can be adopted again."""
    process = await start(tmp_path, "sleep", "60")
    process.forget()
    again = adopt(process.identity)
    assert again is not None
    await again.stop(SOON)
    assert gone(process.identity.pid)


def held() -> tuple[int, Sequence[str]]:
    """Our open file descriptors, and our children, zombies included."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return len(list(Path("/proc/self/fd").iterdir())), children


async def test_nothing_leaks(tmp_path: Path) -> None:
    """No file descriptor and no zombie after many processes that ended in every way."""
    await (await start(tmp_path, "true")).wait()
    gc.collect()
    before = held()
    for _ in range(5):
        await (await start(tmp_path, "true")).wait()
        await (await start(tmp_path, "sleep", "60")).stop(SOON)
        with pytest.raises(OSError, match="none"):
            await start(tmp_path, "./none")
    assert held() == before


async def test_everything_of_a_state_is_ended(tmp_path: Path) -> None:
    """Parts, children with sessions of their own, and programs without a marker that are on record."""
    state = uuid4().hex
    marker = Marker(state, 64, WEB, Part.APP).environment()
    obeys = await start(tmp_path, "sh", "-c", OBEDIENT, env=marker)
    stubborn = await start(tmp_path, "sh", "-c", STUBBORN, env=marker)
    hidden = await start(tmp_path, "sleep", "60")
    other = await start(tmp_path, "sleep", "60", env=Marker("other", 64, WEB, Part.APP).environment())
    await eventually(lambda: (tmp_path / "log").read_text().count("up") == 2 and len(find(state)) == 5)
    pids = [marked.identity.pid for marked in find(state)]
    for process in (obeys, stubborn, hidden):
        process.forget()
    ended = await kill_all(state, timedelta(seconds=0.2), known=[hidden.identity])
    assert ended == 4  # three parts, and the child with its own session
    assert find(state) == []
    assert all(dead(pid) for pid in (*pids, hidden.identity.pid))
    assert "bye" in (tmp_path / "log").read_text()
    assert other.running
    await other.stop(SOON)


async def test_only_what_is_chosen_is_killed(tmp_path: Path) -> None:
    """By marker, for instance all of one pod."""
    state = uuid4().hex
    one = await start(tmp_path, "sleep", "60", env=Marker(state, 64, WEB, Part.APP).environment())
    two = await start(tmp_path, "sleep", "60", env=Marker(state, 64, CART, Part.APP).environment())
    await kill_marked(state, lambda marked: marked.marker.pod == WEB)
    assert await one.wait() == -signal.SIGKILL
    assert two.running
    await two.stop(SOON)
