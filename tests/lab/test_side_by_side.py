"""Labs beside each other on one machine, and labs whose test was killed."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.lab.addresses import block
from tests.lab.control_plane import ControlPlane
from tests.lab.waiting import until

from laneway.local.process import procfs

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]


def on_loopback(address: str) -> bool:
    listed = subprocess.run(["ip", "-o", "address", "show", "dev", "lo"], capture_output=True, check=True)
    return f" {address}/" in listed.stdout.decode()


def processes_in(folder: Path) -> list[int]:
    """Those that name the folder in their command, as all parts of a lab do."""
    named = str(folder).encode()
    return [pid for pid in procfs.pids() if named in _command(pid)]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_two_labs_have_different_addresses_and_leave_none() -> None:
    with block() as one, block() as other:
        one.add(1)
        other.add(1)
        assert one.public(1) != other.public(1)
        assert on_loopback(one.public(1))
        assert on_loopback(other.public(1))
    assert not on_loopback(one.public(1))
    assert not on_loopback(other.public(1))


async def test_nothing_of_a_lab_outlives_the_process_that_was_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.lab.up", "--folder", str(tmp_path / "lab")]
    killed = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert killed.stdout is not None
    said = ""
    while "logs:" not in said:
        said += (await killed.stdout.readline()).decode()
    address = re.findall(r"grpc ([\d.]+):", said)[0]
    assert on_loopback(address)
    assert len(processes_in(tmp_path)) == 5
    os.kill(killed.pid, signal.SIGKILL)
    await killed.wait()

    async def nothing_is_left() -> bool:
        return not processes_in(tmp_path)

    await until(nothing_is_left)


async def test_a_lab_works_beside_another_one(lab: ControlPlane, tmp_path: Path) -> None:
    async with ControlPlane(tmp_path / "lab") as other:
        await other.kubectl("create", "namespace", "elsewhere")
        assert "elsewhere" not in await lab.kubectl("get", "namespaces", "-o", "name")
