"""A pod that loses its application or its sidecar loses the requests that were in it, and comes back.

An open loop of 100 requests per second runs through an app and what it calls, without retries. In each of the
two, at the same pod, the application and then the sidecar is killed with SIGKILL.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.running import Laneway
from tests.acceptance.systems import Service, system, write

from laneway.local.http1 import Request
from laneway.local.load import Load, Profile, Sample, in_background

pytestmark = pytest.mark.mesh

RATE = 100
NO_RETRIES = {"attempts": 0}
REPLICAS = 2
BACK = Service("back", replicas=REPLICAS, delay_ms=100, retries=NO_RETRIES)
FRONT = Service("front", replicas=REPLICAS, calls=(BACK.url,), hosts=("front.test",), retries=NO_RETRIES)


@dataclass(frozen=True, slots=True)
class Kill:
    """Seconds of the load's clock between which a process was killed."""

    from_s: float
    to_s: float

    def in_flight(self, sample: Sample) -> bool:
        """Whether the request was under way at any time between."""
        return sample.due_s <= self.to_s and sample.due_s + sample.latency_s >= self.from_s


@pytest.fixture(scope="module")
def shop(laneway: Laneway, folder: Path) -> Laneway:
    laneway.up(write(folder, system([FRONT, BACK])).parent)
    laneway.until("every pod is ready", lambda: ready(laneway) == 2 * REPLICAS)
    return laneway


def ready(laneway: Laneway) -> int:
    return sum(pod["status"]["ready"] for pod in laneway.pod_objects())


def victim(laneway: Laneway, app: str) -> Any:
    """The first pod of an app."""
    return next(pod for pod in laneway.pod_objects() if pod["metadata"]["name"].startswith(app))


def kill(pid: int, load: Load) -> Kill:
    """`kill -9`; a process with many threads is gone, and its sockets are closed, somewhat later."""
    watched = os.pidfd_open(pid)
    try:
        from_s = load.elapsed_s
        signal.pidfd_send_signal(watched, signal.SIGKILL)
        assert select.select([watched], [], [], 10)[0]
        return Kill(from_s, load.elapsed_s)
    finally:
        os.close(watched)


def more(laneway: Laneway, load: Load) -> None:
    """Waits until half a second's worth of requests more has ended."""
    goal = len(load.samples) + RATE // 2
    laneway.until("more answers", lambda: len(load.samples) >= goal)


@contextmanager
def under_load(laneway: Laneway) -> Iterator[Load]:
    load = Load(laneway.address, Profile(Request("front.test"), RATE))
    with in_background(load):
        more(laneway, load)
        yield load
        more(laneway, load)


@pytest.mark.parametrize("part", ["app", "sidecar"])
@pytest.mark.parametrize("app", ["front", "back"])
def test_a_killed_part_loses_at_most_what_was_in_its_pod(shop: Laneway, app: str, part: str) -> None:
    """No request that begins after it fails, in the gap before its peers know of it either; it comes back."""
    pod = victim(shop, app)
    name, restarts = pod["metadata"]["name"], pod["status"]["restartCount"]
    with under_load(shop) as load:
        killed = kill(pod["status"]["processes"][part]["pid"], load)
        shop.until("it was seen", lambda: victim(shop, app)["status"]["restartCount"] == restarts + 1)
        shop.until("every pod is ready again", lambda: ready(shop) == 2 * REPLICAS)
    failed = [sample for sample in load.samples if sample.error]
    in_flight = [sample for sample in load.samples if killed.in_flight(sample)]
    print(f"{part} of {name}: {len(load.samples)} requests, {len(in_flight)} in flight, {len(failed)} failed")
    assert 0 < len(failed) < len(in_flight), "those in the pod, and not those in the other one"
    assert [sample for sample in failed if not killed.in_flight(sample)] == []
    assert victim(shop, app)["metadata"]["name"] == name
