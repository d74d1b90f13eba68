"""`laneway up` and `laneway down`: a Laneway's life on this machine.

Starts, waits and says; decides nothing.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from laneway.cli import options
from laneway.cli.options import Format
from laneway.cli.options import command_line as _line

if TYPE_CHECKING:
    from rich.console import RenderableType

    from laneway.cli.engine import Engine
    from laneway.control.status import Status
    from laneway.local.state import State

GRACE = timedelta(seconds=5)
"""Between SIGTERM and SIGKILL, for processes that a killed daemon has left behind."""

FOREVER = timedelta(days=36_500)


@click.command(
    "up",
    epilog=options.example("laneway up -f examples/shop", "laneway up -f . --port 8080 --detach -o json"),
)
@options.files
@options.recursive
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    show_default="any",
    help="Port of the ingress on 127.0.0.1.",
)
@click.option(
    "--isolation",
    type=click.Choice(["namespaces", "loopback", "auto"]),
    show_default="loopback, or as before",
    help="Give each replica a network of its own, as in a pod, or not; auto: where this machine allows it.",
)
@click.option(
    "--autoscaler-sync",
    "scale_every",
    type=options.DURATION,
    metavar="DURATION",
    show_default="15s, or as before",
    help="From one decision of the autoscaler to the next.",
)
@click.option(
    "--runtime",
    type=click.Choice(["process", "docker", "podman"]),
    show_default="process",
    help="What runs a container: the command of its image in laneway.yaml, or its image in an engine.",
)
@click.option("--detach", is_flag=True, help="Return when all is ready, and leave it running.")
@options.timeout("2m")
@options.output
@options.namespace
@options.state
@options.of_this_machine
def up(
    paths: tuple[str, ...],
    recursive: bool,
    port: int | None,
    isolation: str | None,
    scale_every: timedelta | None,
    runtime: str | None,
    detach: bool,
    limit: timedelta,
    output: Format,
    namespace: str | None,
    state: State,
) -> None:
    """Start Laneway on this machine, and apply files.

    It is up when every workload is ready and every proxy has confirmed its rules. It then runs until Ctrl-C,
    which stops everything and keeps the state. Without -f it resumes a state, also after it was killed.
    """
    from laneway.cli import daemon

    _refuse_second(state)
    _refuse_missing_engine(runtime)
    if not state.exists and not paths:
        raise click.BadParameter(f"{state.path} holds no state to resume; say what to run", param_hint="-f")
    with _starting(state), ExitStack() as undo, daemon.speaking(state):
        fresh = not state.database.exists()
        process = daemon.start(state, port, isolation, scale_every, runtime)
        undo.callback(_undo, state, process, fresh)
        from laneway.cli import loading  # while the daemon imports what it needs

        batch = loading.load_files(paths, recursive, namespace)
        if fresh:
            loading.refuse(loading.problems(batch, mapped=runtime in {None, "process"}))
        client = daemon.answering(state, process, limit)
        apply = loading.send if fresh else loading.apply
        changes = apply(client, batch, "laneway up")
        undo.pop_all()
    with client, _stopped_at_the_end(state, process, detach), daemon.speaking(state):
        status = _ready(client, changes["version"], limit, state)
        _show_up(output, status, state, process.pid)
        if not detach:
            _watch(client, process, state)


def _refuse_second(state: State) -> None:
    from laneway.cli.failure import Failure
    from laneway.spec.problems import Code

    if (pid := state.holder()) is not None:
        raise Failure(
            Code.ALREADY_RUNNING,
            f"Laneway runs on {state.path} already, as process {pid}",
            f"use it: {_line(state, 'apply -f PATH')}; stop it: {_line(state, 'down')}",
        )


def _refuse_missing_engine(runtime: str | None) -> None:
    from laneway.cli.failure import Failure
    from laneway.local.container.engines import Runtime, missing
    from laneway.spec.problems import Code

    if runtime is not None and (why := missing(Runtime(runtime))):
        raise Failure(Code.NO_ENGINE, why)


@contextmanager
def _starting(state: State) -> Iterator[None]:
    """Nobody else starts anything on the state meanwhile; where somebody does, that is a Failure."""
    from laneway.cli.failure import Failure
    from laneway.local.state import NotAStateError, StartingError
    from laneway.spec.problems import Code

    with ExitStack() as held:
        try:
            held.enter_context(state.starting())
        except StartingError:
            text = f"another `laneway up` is starting on {state.path}"
            raise Failure(Code.ALREADY_RUNNING, text, "wait for it, or name another --state") from None
        except (NotAStateError, OSError) as error:
            raise Failure(Code.NO_STATE, str(error)) from None
        yield


def _undo(state: State, process: subprocess.Popen[bytes], fresh: bool) -> None:
    """Leave nothing running of an `up` that failed, and no state that it made; another's daemon stays."""
    from laneway.cli import daemon

    if state.holder() == process.pid:
        daemon.stop(state)
    process.kill()  # where it was never told to begin
    process.wait()
    if fresh and state.holder() is None:
        _remove(state)


@contextmanager
def _stopped_at_the_end(state: State, process: subprocess.Popen[bytes], detach: bool) -> Iterator[None]:
    """Stops everything when the body ends; detached, only when it is interrupted. The state stays."""
    from laneway.cli.output import say

    try:
        yield
    except Exception:
        if not detach:
            _stop(state, process)
        raise
    except BaseException:
        say("")
        _stop(state, process)
        raise


def _stop(state: State, process: subprocess.Popen[bytes]) -> None:
    from laneway.cli import daemon
    from laneway.cli.output import say

    say("stopping replicas and proxies")
    daemon.stop(state)
    process.wait()
    say(f"stopped; the state is kept in {state.path}")
    say(f"  resume it: {_line(state, 'up')}")
    say(f"  remove it: {_line(state, 'down')}")


def _ready(client: Engine, version: int, limit: timedelta, state: State) -> Status:
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
        f"look: {_line(state, 'logs APP')}; stop it: {_line(state, 'down')}",
    )


def _show_up(form: Format, status: Status, state: State, pid: int) -> None:
    from laneway.cli.output import emit

    document = {
        "ingress": status["ingress"],
        "urls": status["urls"],
        "isolation": status["isolation"],
        "state": str(state.path),
        "pid": pid,
    }
    emit(form, document, table=lambda: _greeting(status, state), names=[status["ingress"]])


def _greeting(status: Status, state: State) -> RenderableType:
    hosts = sorted({host for app in status["apps"] for host in app["hosts"]})
    host = f" -H 'Host: {hosts[0]}'" if hosts else ""
    lines = [
        f"Laneway is up: {', '.join(status['urls'])}",
        f"  network  {status['isolation']['mode']} ({status['isolation']['why']})",
        f"  try      curl{host} {status['ingress']}/",
        f"  look     {_line(state, 'status')}",
        f"  remove   {_line(state, 'down')}",
    ]
    return "\n".join(lines)


def _watch(client: Engine, process: subprocess.Popen[bytes], state: State) -> None:
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
        raise daemon.ended(state, process.returncode)


@click.command("down", epilog=options.example("laneway down", "laneway down --keep"))
@click.option("--keep", is_flag=True, help="Keep the state, so that `laneway up` resumes it.")
@options.output
@options.state
@options.of_this_machine
def down(keep: bool, output: Format, state: State) -> None:
    """Stop Laneway on this machine, and remove its state.

    No process, port or file is left, also where Laneway was killed. Nothing happens where nothing runs.
    """
    from laneway.cli import daemon
    from laneway.cli.output import emit, say

    existed = state.exists
    if existed:
        say("stopping replicas and proxies")
    pid = daemon.stop(state)
    ended = _sweep(state)
    if not keep:
        state.remove()
    document = {"state": str(state.path), "pid": pid, "leftovers": ended, "removed": existed and not keep}
    emit(output, document, table=lambda: _farewell(state, existed, keep), names=[])


def _farewell(state: State, existed: bool, keep: bool) -> str:
    if not existed:
        return f"nothing to stop: no Laneway at {state.path}"
    return f"stopped; the state is kept in {state.path}" if keep else f"stopped; {state.path} is removed"


def _remove(state: State) -> None:
    _sweep(state)
    state.remove()


def _sweep(state: State) -> int:
    """End what a killed daemon has left behind. Returns how many replicas and proxies that were."""
    import asyncio

    from laneway.cli.failure import Failure
    from laneway.local.container.leftovers import ContainersLeftError, end_containers
    from laneway.local.process.processes import kill_all
    from laneway.spec.problems import Code

    ended = asyncio.run(kill_all(state.id, GRACE))
    try:
        end_containers(state)
    except ContainersLeftError as error:
        raise Failure(Code.NO_ENGINE, str(error), "start the engine, then: laneway down") from None
    return ended
