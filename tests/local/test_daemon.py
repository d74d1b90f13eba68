"""The daemon as a process: begun, refused, ended, crashed."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from tests.local.eventually import eventually
from tests.local.running_engine import plain, public
from tests.mesh.running_mesh import free_port

from laneway.cli.client import Client
from laneway.local import handshake
from laneway.local.process.markers import Part, find, parts
from laneway.local.process.processes import kill_all
from laneway.local.proxy import gateways
from laneway.local.state import State
from laneway.spec.problems import Code, Problem

SOON = timedelta(seconds=20)
INGRESS = (gateways.INGRESS, Part.GATEWAY)

pytestmark = pytest.mark.mesh

CRASHES = """
import sys
from laneway.control.loop import Loop
from laneway.local import daemon
class Broken(Loop):
    def once(self):
        raise AssertionError("a broken invariant")
daemon.Loop = Broken
sys.exit(daemon.main())
"""


class Daemon:
    """One process, told to begin."""

    def __init__(
        self, state: State, *more: str, program: tuple[str, ...] = ("-m", "laneway.local.daemon")
    ) -> None:
        self.state = state
        command = [sys.executable, *program, "--state", str(state.path), *more]
        with state.daemon_log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True
            )

    def begin(self) -> Problem | None:
        """What keeps it from serving."""
        assert self.process.stdin and self.process.stdout
        handshake.begin(self.process.stdin)
        with self.process.stdout:
            return handshake.answer(self.process.stdout, SOON)

    def end(self, number: signal.Signals) -> int:
        """Its exit code, after this signal."""
        self.process.send_signal(number)
        return self.process.wait(SOON.total_seconds())


Start = Callable[..., Daemon]


@pytest.fixture
def start(state: State) -> Iterator[Start]:
    """Starts daemons on the state; nothing is left of them."""
    started: list[Daemon] = []

    def begin(*more: str, **how: tuple[str, ...]) -> Daemon:
        started.append(Daemon(state, *more, **how))
        return started[-1]

    yield begin
    for daemon in started:
        for pipe in (daemon.process.stdin, daemon.process.stdout):
            if pipe:
                pipe.close()
        daemon.process.kill()
        daemon.process.wait()
    asyncio.run(kill_all(state.id, timedelta(seconds=2)))


def test_a_daemon_touches_nothing_before_it_is_told_to_begin(start: Start, state: State) -> None:
    """It may be started while files are read that turn out to be wrong."""
    daemon = start()
    assert daemon.process.stdin
    daemon.process.stdin.close()
    assert daemon.process.wait(SOON.total_seconds()) == 0
    assert not state.database.exists()
    assert find(state.id) == []


def test_a_second_daemon_is_refused_and_the_first_serves_on(start: Start, state: State) -> None:
    """The kernel decides who holds the state."""
    first, second = start(), start()
    assert first.begin() is None
    refused = second.begin()
    assert refused is not None and refused.code is Code.ALREADY_RUNNING
    assert refused.text == f"{state.path} is held by process {first.process.pid}"
    assert second.process.wait(SOON.total_seconds()) == 1
    with Client(state.api) as client:
        assert client.ping()["pid"] == first.process.pid


def test_a_port_that_is_taken_is_refused_before_anything_runs(start: Start, state: State) -> None:
    """Also one that is kept from an earlier start."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        daemon = start("--port", str(port))
        refused = daemon.begin()
        assert refused is not None and refused.code is Code.PORT_TAKEN
        assert f"port {port} of 127.0.0.1" in refused.text
        assert daemon.process.wait(SOON.total_seconds()) == 1
    assert find(state.id) == []


def test_a_daemon_that_is_told_to_end_leaves_no_process(start: Start, state: State) -> None:
    """Whether the signal comes late or during its start; the state is kept."""
    for wait_until_it_serves in (True, False):
        daemon = start()
        assert daemon.process.stdin
        if wait_until_it_serves:
            assert daemon.begin() is None
        else:
            handshake.begin(daemon.process.stdin)
        assert daemon.end(signal.SIGTERM) in (0, -signal.SIGTERM)
        assert find(state.id) == []
    assert state.database.exists()


def listening(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def port_of(client: Client) -> int:
    """The port of the ingress."""
    return int(client.status()["ingress"].rpartition(":")[2])


async def test_a_killed_daemon_leaves_all_running_and_the_next_one_adopts_it(
    start: Start, state: State
) -> None:
    """Replicas and gateways serve on, by the rules that they have."""
    first = start()
    assert first.begin() is None
    with Client(state.api) as client:
        client.apply([plain("web"), public("public")])
        await eventually(lambda: [each["ready"] for each in client.status()["workloads"]] == [True])
        port = port_of(client)
        await eventually(lambda: listening(port))
    running = parts(find(state.id))
    first.end(signal.SIGKILL)
    assert parts(find(state.id)) == running
    assert listening(port)
    assert start().begin() is None
    with Client(state.api) as client:
        assert port_of(client) == port
        assert [each["ready"] for each in client.status()["workloads"]] == [True]
    assert parts(find(state.id)) == running


async def test_the_ingress_can_move_to_another_port(start: Start, state: State) -> None:
    """Also one that serves on from before a crash."""
    first = start()
    assert first.begin() is None
    with Client(state.api) as client:
        client.apply([public("public")])
        before, other = port_of(client), free_port()
    await eventually(lambda: listening(before))
    first.end(signal.SIGKILL)
    assert start("--port", str(other)).begin() is None
    await eventually(lambda: listening(other) and not listening(before))


def test_a_broken_invariant_ends_the_daemon_loudly_and_nothing_else(start: Start, state: State) -> None:
    """Its log says what broke; who was served is served on, and the next daemon adopts them."""
    healthy = start()
    assert healthy.begin() is None
    running = parts(find(state.id))
    assert INGRESS in running
    healthy.end(signal.SIGKILL)
    broken = start(program=("-c", CRASHES))
    assert broken.begin() is None
    assert broken.process.wait(SOON.total_seconds()) == 1
    log = state.daemon_log.read_text()
    assert "a fault of Laneway's own" in log
    assert "AssertionError: a broken invariant" in log
    assert parts(find(state.id)) == running
