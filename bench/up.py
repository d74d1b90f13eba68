"""Start: cold `laneway up` of examples/shop to the first routed request, and the memory of what then runs.

Cold: a fresh state for each start, nothing running; the machine's file cache is warm. The request goes
through the ingress and the sidecars of all services. It is sent when `laneway up --detach` has returned: when
everything is ready and confirmed.
"""

from __future__ import annotations

import json
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from bench.figures import Figure, spread
from bench.processes import cpu_seconds, memory_mb
from laneway.local.process.markers import Part, find, parts
from laneway.local.state import State

PROGRAM = Path(sysconfig.get_path("scripts")) / "laneway"
SHOP = Path(__file__).parents[1] / "examples" / "shop"
HOST = "shop.example"
REPEATS = 5
START_S_MAX = 3.0
DAEMON_MB_MAX = 100
COMMAND_SECONDS_MAX = 120


@dataclass(frozen=True, slots=True)
class Start:
    """One cold start. Seconds from its command on; MB of proportional set size."""

    up_s: float
    routed_s: float
    daemon_cpu_s: float
    daemon_mb: float
    sidecars_mb: list[float]


def figures() -> Iterator[Figure]:
    """The time to the first routed request, and memory."""
    starts = [start() for _ in range(REPEATS)]
    routed = [each.routed_s for each in starts]
    daemons = [each.daemon_mb for each in starts]
    sidecars = [mb for each in starts for mb in each.sidecars_mb]
    yield Figure("up --detach returns", spread((each.up_s for each in starts), "s", 2))
    yield Figure(
        "up to the first routed request",
        spread(routed, "s", 2),
        f"< {START_S_MAX:g} s",
        median(routed) < START_S_MAX,
    )
    yield Figure("CPU of laneway until then", spread((each.daemon_cpu_s for each in starts), "s", 2))
    yield Figure(
        "memory of laneway (PSS)",
        spread(daemons, "MB"),
        f"< {DAEMON_MB_MAX} MB",
        median(daemons) < DAEMON_MB_MAX,
    )
    yield Figure("memory of a sidecar (PSS)", spread(sidecars, "MB"))


def start() -> Start:
    """Start the shop in a new state, ask it once, measure, and take it down."""
    with tempfile.TemporaryDirectory() as folder:
        state = State.at(Path(folder) / "state")
        begin = time.perf_counter()
        try:
            up = _laneway("up", "-f", str(SHOP), "--detach", state=state)
            returned = time.perf_counter() - begin
            _ask(up["ingress"])
            routed = time.perf_counter() - begin
            running = parts(find(state.id)).items()
            return Start(
                up_s=returned,
                routed_s=routed,
                daemon_cpu_s=cpu_seconds(up["pid"]),
                daemon_mb=memory_mb(up["pid"]),
                sidecars_mb=[memory_mb(each.pid) for (_, part), each in running if part is Part.SIDECAR],
            )
        finally:
            _laneway("down", state=state)


def _laneway(*words: str, state: State) -> Any:
    """The JSON of a command that has to succeed. Raises CalledProcessError."""
    command = [str(PROGRAM), *words, "--state", str(state.path), "-o", "json"]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=COMMAND_SECONDS_MAX, check=True
    )
    return json.loads(done.stdout)


def _ask(ingress: str) -> None:
    connection = HTTPConnection(urlsplit(ingress).netloc, timeout=COMMAND_SECONDS_MAX)
    connection.request("GET", "/", headers={"Host": HOST})
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"the shop answered {answer.status}: {answer.read()!r}")
    connection.close()
