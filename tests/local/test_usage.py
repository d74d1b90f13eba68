"""What pods use, read from real processes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.local.eventually import eventually
from tests.local.samples import START, changed, pod

from laneway.local.measure.usage import Meter, Use, processes_of
from laneway.local.pod.pods import Pod
from laneway.local.process import procfs
from laneway.local.process.markers import Identity, Part
from laneway.mesh.envoy import Admin

BURNING_CHILD = """
import os, time
if os.fork() == 0:
    held = bytearray(30_000_000)
    end = time.process_time() + 0.3
    while time.process_time() < end: pass
    print("burnt", flush=True)
    time.sleep(600)
time.sleep(600)
"""


@contextmanager
def application() -> Iterator[tuple[Pod, subprocess.Popen[bytes]]]:
    """A pod whose application is idle, and has a child that burns CPU."""
    process = subprocess.Popen(
        [sys.executable, "-S", "-E", "-c", BURNING_CHILD], stdout=subprocess.PIPE, start_new_session=True
    )
    stat = procfs.stat(process.pid)
    assert stat is not None
    yield changed(pod(), processes={Part.APP: Identity(process.pid, stat.started)}), process
    os.killpg(process.pid, 9)
    process.communicate()


class Counted(Admin):
    """An admin interface that says the numbers it is given; None: it does not answer."""

    def __init__(self, *numbers: int | None) -> None:
        super().__init__(Path("nowhere"))
        self.numbers = list(numbers)

    async def inbound_requests(self) -> int:
        """The next number."""
        number = self.numbers.pop(0)
        if number is None:
            raise OSError("no answer")
        return number


class Clock:
    """Two seconds later at each look."""

    moment = START

    def __call__(self) -> Any:
        """The time."""
        self.moment += timedelta(seconds=2)
        return self.moment


def meter(*numbers: int | None) -> Meter:
    """A meter of pods whose sidecar says these numbers."""
    admin = Counted(*numbers)
    return Meter(lambda _: admin, Clock())


def proxied(pid: int = 1) -> Pod:
    """A pod with a sidecar alone."""
    return changed(pod(), processes={Part.SIDECAR: Identity(pid, 1, "boot")})


async def read(meter: Meter, *pods: Pod) -> list[Use]:
    """The use of one pod at each of several readings."""
    return [(await meter.read([pod]))[pod.key] for pod in pods]


async def test_an_application_is_all_its_processes() -> None:
    """The child has burnt the CPU and holds the memory."""
    with application() as (pod, process):
        assert process.stdout is not None
        await asyncio.to_thread(process.stdout.readline)
        ticks, memory = processes_of([pod])[pod.key]
        assert ticks >= 0.3 * os.sysconf("SC_CLK_TCK") * 0.9
        assert memory > 30_000_000


async def test_cpu_is_counted_between_two_readings() -> None:
    """0.3 s of CPU within 2 s by the clock; the first reading knows only the memory."""
    with application() as (pod, process):
        meter = Meter(lambda _: Counted(), Clock())
        first = (await meter.read([pod]))[pod.key]
        assert process.stdout is not None
        await asyncio.to_thread(process.stdout.readline)
        second = (await meter.read([pod]))[pod.key]
    assert first.cpu is None and first.memory is not None
    assert second.cpu is not None and 0 < second.cpu <= 250
    assert second.window == timedelta(seconds=2)


async def test_another_process_of_the_same_pid_is_not_the_pod_s() -> None:
    """Pids are used again."""
    with application() as (there, _):
        mistaken = changed(there, processes={Part.APP: Identity(there.processes[Part.APP].pid, 1)})
        await eventually(lambda: processes_of([there]))
        assert processes_of([mistaken]) == {}


async def test_requests_are_counted_between_two_readings() -> None:
    """Thousandths per second."""
    uses = await read(meter(100, 115, 115), *[proxied()] * 3)
    assert [use.requests for use in uses] == [None, 7_500, 0]


async def test_a_sidecar_that_was_started_again_counts_anew() -> None:
    """Its counter is at 0: what it had counted before is not known any more."""
    uses = await read(meter(100, 3, 5), proxied(1), proxied(2), proxied(2))
    assert [use.requests for use in uses] == [None, None, 1_000]


async def test_a_sidecar_that_does_not_answer_is_not_known() -> None:
    """Nor are requests known where there is no sidecar; that is not the same as none."""
    uses = await read(meter(100, None, 110, 120), *[proxied()] * 4)
    assert [use.requests for use in uses] == [None, None, None, 5_000]
    assert [use.requests for use in await read(meter(), pod(), pod())] == [None, None]
