"""One process kept running."""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.local.eventually import eventually

from laneway.local.container.references import CannotStartError
from laneway.local.pod.condition import Ended
from laneway.local.pod.keeper import Keeper, how_ended
from laneway.local.process import procfs
from laneway.local.process.markers import Part
from laneway.local.process.processes import Process, clean_environment, spawn


class Owner:
    """Remembers what it is told. commands: for each start in turn; the last one again and again."""

    def __init__(self, folder: Path, *commands: str) -> None:
        self.folder = folder
        self.commands = list(commands)
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.runs: list[Process] = []
        self.ends: list[Ended] = []
        self.left_at_end: list[int] = []
        self.keeper = Keeper(Part.GATEWAY, self._launch, self, lambda: self.now)

    def started(self, part: Part, process: Process) -> None:
        """One more run."""
        self.runs.append(process)

    def ended(self, end: Ended) -> None:
        """One more end, with the processes that are left of its session."""
        self.ends.append(end)
        session = self.runs[-1].identity.pid if self.runs else -1
        found = (procfs.stat(pid) for pid in procfs.pids())
        self.left_at_end += [
            each.pid for each in found if each and each.session == session and not each.zombie
        ]

    async def _launch(self) -> Process:
        command = self.commands.pop(0) if len(self.commands) > 1 else self.commands[0]
        if command == "unknown":
            raise CannotStartError("nobody knows")
        argv = command.split()
        return await spawn(argv, clean_environment(), self.folder, self.folder / "log")

    async def stop(self, keeping: asyncio.Task[None]) -> None:
        """End everything."""
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await self.keeper.stop(timedelta(seconds=5))


async def test_what_ends_is_started_again(tmp_path: Path) -> None:
    """After half a second, with the reason told; it runs until it is stopped."""
    owner = Owner(tmp_path, "false", "sleep 60")
    keeping = asyncio.create_task(owner.keeper.keep())
    await eventually(lambda: len(owner.runs) == 2)
    assert owner.ends == [Ended(Part.GATEWAY, "exited with status 1", timedelta(seconds=0.5))]
    await owner.stop(keeping)
    assert await owner.runs[1].wait() == -signal.SIGTERM


async def test_what_a_crash_leaves_behind_is_ended_first(tmp_path: Path) -> None:
    """Children of the old run may hold the port that the new one needs. The end itself is told before."""
    (tmp_path / "run").write_text("sleep 60 & echo $!; exit 1")
    owner = Owner(tmp_path, "sh run", "sleep 60")
    keeping = asyncio.create_task(owner.keeper.keep())
    await eventually(lambda: owner.ends)
    assert len(owner.runs) == 1
    child = int((tmp_path / "log").read_text())
    await eventually(lambda: len(owner.runs) == 2)
    left = procfs.stat(child)
    assert owner.left_at_end == [child]
    assert left is None or left.zombie
    await owner.stop(keeping)


async def test_what_cannot_start_is_tried_again(tmp_path: Path) -> None:
    """Whether there is no such program, or nobody can tell which one to run."""
    owner = Owner(tmp_path, "./none", "unknown", "sleep 60")
    keeping = asyncio.create_task(owner.keeper.keep())
    await eventually(lambda: owner.runs)
    assert [(end.why, end.ran) for end in owner.ends] == [
        ("./none: No such file or directory", False),
        ("nobody knows", False),
    ]
    assert [end.again_in.total_seconds() for end in owner.ends] == [0.5, 1.0]
    await owner.stop(keeping)


@pytest.mark.parametrize(("ready_seconds", "again_seconds"), [(59, 1.0), (60, 0.5)])
async def test_a_minute_of_readiness_clears_the_backoff(
    tmp_path: Path, ready_seconds: int, again_seconds: float
) -> None:
    """In one run, without a break."""
    owner = Owner(tmp_path, "false", "sleep 60")
    keeping = asyncio.create_task(owner.keeper.keep())
    await eventually(lambda: len(owner.runs) == 2)
    owner.keeper.ready(True)
    owner.now += timedelta(seconds=30)
    owner.keeper.ready(False)
    owner.keeper.ready(True)
    owner.now += timedelta(seconds=ready_seconds)
    owner.keeper.ready(True)
    owner.runs[1].signal(signal.SIGKILL)
    await eventually(lambda: len(owner.ends) == 2)
    assert owner.ends[1].again_in.total_seconds() == again_seconds
    await owner.stop(keeping)


async def test_an_adopted_process_is_kept_in_place_of_a_new_one(tmp_path: Path) -> None:
    """Cancelled, the keeper leaves it running."""
    owner = Owner(tmp_path, "sleep 60")
    process = await spawn(["sleep", "60"], clean_environment(), tmp_path, tmp_path / "log")
    owner.keeper.adopt(process)
    keeping = asyncio.create_task(owner.keeper.keep())
    await eventually(lambda: owner.runs)
    assert owner.runs == [process]
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert process.running
    await owner.keeper.stop(timedelta(seconds=5))


@pytest.mark.parametrize(
    ("status", "words"), [(0, "exited with status 0"), (-11, "was killed by SIGSEGV"), (None, "ended")]
)
def test_an_end_in_words(status: int | None, words: str) -> None:
    """Nobody knows signals by their numbers, and the end of what is not our child is not told."""
    assert how_ended(status) == words
