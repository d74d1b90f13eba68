"""`laneway up` and `laneway down`: a Laneway's life on this machine.

Starts, waits and says; decides nothing.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from laneway.cli import options
from laneway.cli.options import Files, Format, Namespace, Output, Recursive, StateDir, Timeout

if TYPE_CHECKING:
    from rich.console import RenderableType

    from laneway.cli.client import Client
    from laneway.local.state import State
    from laneway.local.status import Status

GRACE = timedelta(seconds=5)
"""Between SIGTERM and SIGKILL, for processes that a killed daemon has left behind."""

FOREVER = timedelta(days=36_500)

Port = Annotated[
    int | None,
    typer.Option("--port", min=1, max=65535, help="Port of the ingress on 127.0.0.1.", show_default="any"),
]
Detach = Annotated[bool, typer.Option("--detach", help="Return when all is ready, and leave it running.")]
Keep = Annotated[bool, typer.Option("--keep", help="Keep the state, so that `laneway up` resumes it.")]


def up(
    filename: Files = None,
    recursive: Recursive = False,
    port: Port = None,
    detach: Detach = False,
    timeout: Timeout = "2m",
    output: Output = None,
    namespace: Namespace = None,
    state: StateDir = None,
) -> None:
    """Start Laneway on this machine, and apply files.

    It is up when every workload is ready and every proxy has confirmed its rules. It then runs until Ctrl-C,
    which stops everything and keeps the state. Without -f it resumes a state, also after it was killed.
    """
    from laneway.cli import daemon, loading

    place, limit = options.state(state), options.duration(timeout, "--timeout")
    _refuse_second(place)
    fresh = not place.exists
    if fresh and not filename:
        raise typer.BadParameter(f"{place.path} holds no state to resume; say what to run", param_hint="-f")
    batch = loading.load_files(filename or [], recursive, options.namespace(namespace))
    with _undone(place, fresh):
        _create(place)
        process = daemon.start(place, port)
        client = daemon.answering(place, process, limit)
        changes = loading.apply(client, batch, reason="laneway up")
    with client, _stopped_at_the_end(place, process, detach):
        status = _ready(client, changes["version"], limit, place)
        _show_up(options.output(output), status, place, process.pid)
        if not detach:
            _watch(client, process, place)


def _refuse_second(place: State) -> None:
    from laneway.cli.failure import Failure
    from laneway.spec.problems import Code

    if (pid := place.holder()) is not None:
        raise Failure(
            Code.ALREADY_RUNNING,
            f"Laneway runs on {place.path} already, as process {pid}",
            f"use it: {options.command(place, 'apply -f PATH')}; stop it: {options.command(place, 'down')}",
        )


def _create(place: State) -> None:
    from laneway.cli.failure import Failure
    from laneway.local.state import NotAStateError
    from laneway.spec.problems import Code

    try:
        place.create()
    except (NotAStateError, OSError) as error:
        raise Failure(Code.NO_STATE, str(error)) from None


@contextmanager
def _undone(place: State, fresh: bool) -> Iterator[None]:
    """Leaves nothing running where the body fails, and no state where there was none before."""
    from laneway.cli import daemon

    try:
        yield
    except BaseException:
        daemon.stop(place)
        if fresh:
            _remove(place)
        raise


@contextmanager
def _stopped_at_the_end(place: State, process: subprocess.Popen[bytes], detach: bool) -> Iterator[None]:
    """Stops everything when the body ends; detached, only when it is interrupted. The state stays."""
    from laneway.cli.output import say

    try:
        yield
    except Exception:
        if not detach:
            _stop(place, process)
        raise
    except BaseException:
        say("")
        _stop(place, process)
        raise


def _stop(place: State, process: subprocess.Popen[bytes]) -> None:
    from laneway.cli import daemon
    from laneway.cli.output import say

    say("stopping replicas and proxies")
    daemon.stop(place)
    process.wait()
    say(f"stopped; the state is kept in {place.path}")
    say(f"  resume it: {options.command(place, 'up')}")
    say(f"  remove it: {options.command(place, 'down')}")


def _ready(client: Client, version: int, limit: timedelta, place: State) -> Status:
    from laneway.cli import waiting
    from laneway.cli.failure import Failure
    from laneway.cli.output import Progress, say
    from laneway.spec.problems import Code

    say("starting; waiting until every workload is ready and every proxy has confirmed")
    progress, lines = Progress(), [""]
    for status in waiting.follow(client, limit):
        if status["observed"] >= version and status["ready"] and status["confirmed"]:
            return status
        lines = waiting.missing(status)
        progress.show(lines)
    raise Failure(
        Code.TIME_OVER,
        "\n  ".join(["not everything is ready in time:", *lines]),
        f"look: {options.command(place, 'logs APP')}; stop it: {options.command(place, 'down')}",
    )


def _show_up(form: Format, status: Status, place: State, pid: int) -> None:
    from laneway.cli.output import emit

    document = {"ingress": status["ingress"], "state": str(place.path), "pid": pid}
    emit(form, document, table=lambda: _greeting(status, place), names=[status["ingress"]])


def _greeting(status: Status, place: State) -> RenderableType:
    hosts = sorted({host for app in status["apps"] for host in app["hosts"]})
    host = f" -H 'Host: {hosts[0]}'" if hosts else ""
    lines = [
        f"Laneway is up: {status['ingress']}",
        f"  try      curl{host} {status['ingress']}/",
        f"  look     {options.command(place, 'status')}",
        f"  remove   {options.command(place, 'down')}",
    ]
    return "\n".join(lines)


def _watch(client: Client, process: subprocess.Popen[bytes], place: State) -> None:
    """Print the report's lines until Ctrl-C, or until the daemon ends.

    Raises Failure where it ended by itself.
    """
    from laneway.cli import daemon, waiting
    from laneway.cli.client import NotRunningError
    from laneway.cli.output import Progress, say

    say("Ctrl-C stops it")
    progress = Progress()
    with suppress(NotRunningError):
        for status in waiting.follow(client, FOREVER):
            progress.show(waiting.why(status))
    if process.wait():
        raise daemon.ended(place, process.returncode)


def down(keep: Keep = False, output: Output = None, state: StateDir = None) -> None:
    """Stop Laneway on this machine, and remove its state.

    No process, port or file is left, also where Laneway was killed. Nothing happens where nothing runs.
    """
    from laneway.cli import daemon
    from laneway.cli.output import emit, say

    place = options.state(state)
    existed = place.exists
    if existed:
        say("stopping replicas and proxies")
    pid = daemon.stop(place)
    ended = _sweep(place)
    if not keep:
        _remove(place)
    document = {"state": str(place.path), "pid": pid, "leftovers": ended, "removed": existed and not keep}
    emit(options.output(output), document, table=lambda: _farewell(place, existed, keep), names=[])


def _farewell(place: State, existed: bool, keep: bool) -> str:
    if not existed:
        return f"nothing to stop: no Laneway at {place.path}"
    return f"stopped; the state is kept in {place.path}" if keep else f"stopped; {place.path} is removed"


def _remove(place: State) -> None:
    _sweep(place)
    place.remove()


def _sweep(place: State) -> int:
    """End what a killed daemon has left behind. Returns how many replicas and proxies that were."""
    from laneway.local.processes import kill_all

    return asyncio.run(kill_all(place.id, GRACE))
