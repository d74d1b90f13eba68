"""Programs of the lab: what is said when one does not start, and that nothing of one is left."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.lab.program import NotStarted, Program

from laneway.local.process import procfs

pytestmark = pytest.mark.anyio


async def never() -> bool:
    return False


async def test_a_program_that_ends_at_once_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    program = Program("broken", ["sh", "-c", "echo no such flag: --colour; exit 3"], tmp_path)
    await program.start()
    with pytest.raises(
        NotStarted, match=r"broken ended with code 3; its log ends with\nno such flag: --colour"
    ):
        await program.ready(never)


async def test_a_program_that_does_not_get_ready_is_reported(tmp_path: Path) -> None:
    program = Program("slow", ["sleep", "1000"], tmp_path)
    await program.start()
    with pytest.raises(NotStarted, match="slow is not ready after 0 s"):
        await program.ready(never, within_s=0.2)
    await program.stop()


async def test_what_a_program_has_started_ends_with_it_though_it_will_not(tmp_path: Path) -> None:
    script = "trap '' TERM; sleep 1000 & echo $!; wait; wait"
    program = Program("stubborn", ["sh", "-c", script], tmp_path)
    await program.start()

    async def has_a_child() -> bool:
        return program.log.read_text().endswith("\n")

    await program.ready(has_a_child)
    child = int(program.log.read_text())
    await program.stop(grace_s=0.2)
    assert program.pid is None
    await _gone(child)


async def _gone(pid: int) -> None:
    async with asyncio.timeout(10):
        while (stat := procfs.stat(pid)) is not None and not stat.zombie:  # noqa: ASYNC110 - nothing tells us
            await asyncio.sleep(0.01)
