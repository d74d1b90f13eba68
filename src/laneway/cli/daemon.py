"""The daemon's life as the commands see it: starting it, finding it, ending it and what it leaves.

Must not know what the daemon does while it runs.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from laneway.cli.client import ApiError, Client, NotRunningError
from laneway.cli.failure import Failure
from laneway.local import handshake
from laneway.local.state import State
from laneway.spec.problems import Code

STOP = timedelta(seconds=30)
"""How long the daemon has to stop replicas and proxies before it is killed."""

POLL_SECONDS = 0.02
LOG_LINES = 8

_CODES = {404: Code.NOT_FOUND, 409: Code.NO_RELEASE}


def start(
    state: State, port: int | None, isolation: str | None, scale_every: timedelta | None, runtime: str | None
) -> subprocess.Popen[bytes]:
    """Start the daemon in a session of its own: it outlives its terminal.

    It does nothing yet, and ends where it is never told to begin, by `answering`. Its output goes to the
    state's log.
    """
    command = [sys.executable, "-m", "laneway.local.daemon", "--state", str(state.path)]
    if scale_every is not None:
        command += ["--autoscaler-sync", str(scale_every.total_seconds())]
    if port is not None:
        command += ["--port", str(port)]
    if runtime is not None:
        command += ["--runtime", runtime]
    if isolation is not None:
        command += ["--isolation", isolation]
    with state.daemon_log.open("ab") as log:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True
        )


def answering(state: State, process: subprocess.Popen[bytes], timeout: timedelta) -> Client:
    """Let a daemon that was just started begin; a client of it, as soon as it serves.

    Raises Failure where it cannot start, ends or the time is over.
    """
    assert process.stdin and process.stdout, "as `start` makes it"
    handshake.begin(process.stdin)
    client = Client(state.api)  # which takes a while to import, and connects only later
    try:
        with process.stdout:
            problem = handshake.answer(process.stdout, timeout)
    except EOFError:
        raise ended(state, process.wait()) from None
    except TimeoutError as error:
        text = f"{error}; the end of {state.daemon_log}:\n{_tail(state)}"
        raise Failure(Code.TIME_OVER, text) from None
    if problem is not None:
        process.wait()
        raise Failure(problem.code, problem.text, problem.remedy)
    return client


def ended(state: State, returncode: int) -> Failure:
    """The failure that a daemon ended by itself."""
    how = f"was killed by signal {-returncode}" if returncode < 0 else f"ended with exit code {returncode}"
    return Failure(Code.DAEMON_ENDED, f"the daemon {how}; the end of {state.daemon_log}:\n{_tail(state)}")


def _tail(state: State) -> str:
    lines = state.daemon_log.read_text(errors="replace").splitlines() if state.daemon_log.exists() else []
    return "\n".join(f"    {line}" for line in lines[-LOG_LINES:])


@contextmanager
def connected(state: State) -> Iterator[Client]:
    """A client of the daemon that runs on a state. Raises Failure where none does, or where it refuses."""
    if state.holder() is None:
        raise not_running(state)
    with speaking(state), Client(state.api) as client:
        yield client


@contextmanager
def speaking(state: State) -> Iterator[None]:
    """Turns what goes wrong with the daemon into a Failure."""
    try:
        yield
    except NotRunningError as error:
        text = f"{error}: the daemon of {state.path} ended or hangs; the end of its log:\n{_tail(state)}"
        raise Failure(Code.DAEMON_ENDED, text) from None
    except ApiError as error:
        raise Failure(_CODES.get(error.status, Code.DAEMON_REFUSED), str(error)) from None


def not_running(state: State) -> Failure:
    """The failure that no daemon runs on a state."""
    if state.exists:
        remedy = "resume it: laneway up; remove it: laneway down"
        return Failure(
            Code.NOT_RUNNING, f"Laneway does not run on {state.path}, but its state is there", remedy
        )
    return Failure(Code.NOT_RUNNING, f"no Laneway runs on {state.path}")


def stop(state: State) -> int | None:
    """End the daemon, and with it replicas and proxies; the state stays.

    Returns the pid it had, None where none ran. Asks first; a daemon that does not answer gets a signal,
    and one that does not end is killed.
    """
    pid = state.holder()
    if pid is None:
        return None
    try:
        with Client(state.api) as client:
            client.shutdown()
    except (NotRunningError, ApiError):
        _signal(pid, signal.SIGTERM)
    if not _gone(state, STOP):
        _signal(pid, signal.SIGKILL)
        _gone(state, STOP)
    return pid


def _gone(state: State, timeout: timedelta) -> bool:
    end = time.monotonic() + timeout.total_seconds()
    while state.holder() is not None:
        if time.monotonic() > end:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
