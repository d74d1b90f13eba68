"""`laneway restart` and `laneway exec`: replaces pods, and runs a command where one of them runs."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from laneway.cli import options
from laneway.cli.options import Format

if TYPE_CHECKING:
    from laneway.cli.client import Pods
    from laneway.cli.engine import Engine
    from laneway.cli.failure import Failure
    from laneway.cli.places import Cluster, Place
    from laneway.control.status import Json
    from laneway.local.container import engines
    from laneway.local.pod.pods import Pod
    from laneway.local.state import State


@click.command(
    "restart",
    epilog=options.example("laneway restart pharmacy --wait", "laneway restart pharmacy --lane green"),
)
@options.app
@options.which_pods
@options.wait
@options.timeout("2m")
@options.reason
@options.output
@options.namespace
@options.place
def restart(
    app: str,
    lane: str,
    revision: str,
    pod: str,
    wait: bool,
    limit: timedelta,
    reason: str,
    output: Format,
    namespace: str | None,
    place: Place,
) -> None:
    """Replace the pods of an app by new ones of the same revisions, as a rolling update does.

    New ones are ready before old ones go, and these finish their requests. Its lanes' pods too, unless said
    otherwise. It is no release: nothing else changes.
    """
    from laneway.cli import finding, places
    from laneway.cli.output import counted, emit

    with places.connected(place, app) as client:
        pods = finding.pods(client.status(), app, namespace, lane=lane, revision=revision, pod=pod)
        names = client.restart(pods, by=options.user(), reason=reason)
        if wait:
            _await_gone(client, set(names), limit)
    done = "replaced" if wait else "replacing"
    emit(
        output,
        {"pods": names},
        table=lambda: f"{done} {counted(len(names), 'pod')}: {', '.join(names)}",
        names=[f"pod/{name}" for name in names],
    )


def _await_gone(client: Engine, names: set[str], limit: timedelta) -> None:
    """Return when none of these pods is left and all that is wanted is ready. Raises Failure."""
    from laneway.cli import waiting
    from laneway.cli.failure import Failure
    from laneway.cli.output import Progress
    from laneway.spec.problems import Code

    progress, lines = Progress(), list[str]()
    for status in waiting.follow(client, limit):
        left = sorted(names & {obj["metadata"]["name"] for obj in client.objects("Pod")})
        lines = [f"{name} is still there" for name in left] or waiting.missing(status)
        if not lines:
            return
        progress.show(lines)
    raise Failure(Code.TIME_OVER, "\n  ".join(["not every pod was replaced in time:", *lines]))


@click.command(
    "exec",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog=options.example(
        "laneway exec pharmacy -- env", "laneway exec --lane green pharmacy -- curl -s http://labs/"
    ),
)
@options.which_pods
@options.namespace
@options.place
@options.app
@click.argument(
    "command",
    metavar="[--] COMMAND…",
    nargs=-1,
    required=True,
    type=click.UNPROCESSED,
    help="A program and its arguments.",
)
def execute(
    app: str,
    command: tuple[str, ...],
    lane: str,
    revision: str,
    pod: str,
    namespace: str | None,
    place: Place,
) -> NoReturn:
    """Run a command where a replica of an app runs: with its variables, folder, network and files.

    Of a container too. Options stand before APP. Its exit code is the command's.
    """
    from laneway.cli import finding, places

    if command[0].startswith("-") and command[0] != "--":
        raise click.UsageError(f"options stand before {app}: laneway exec {command[0]} … {app} -- COMMAND…")
    program = command[1:] if command[0] == "--" else command
    if not program:
        raise click.UsageError(f"say what to run: laneway exec {app} -- COMMAND…")
    if isinstance(place, places.Cluster):
        raise _of_kubectl(place, app, program, namespace, pod)
    with places.connected(place) as client:
        pods = finding.pods(client.status(), app, namespace, lane=lane, revision=revision, pod=pod)
        replica, pid = _application(client.objects("Pod", pods.get("namespace")), pods, app)
        engine = _engine(client, place)
    if engine is None:
        replace_by(program, pid)
    inside = engine.beside(replica.key, interactive=True, terminal=sys.stdin.isatty())
    os.execvp(engine.program, [*inside, *program])


def _of_kubectl(place: Cluster, app: str, program: Sequence[str], namespace: str | None, pod: str) -> Failure:
    """The failure that a command runs in no pod of a cluster, with the line that does it."""
    from laneway.cli.failure import Failure
    from laneway.spec.problems import Code

    space, _, name = app.rpartition("/")
    where = ["-n", space or namespace or "default", *(["--context", place.context] if place.context else [])]
    which = pod or f"$(laneway get po -o name --cluster | grep {name} | head -1)"
    line = f"kubectl exec {shlex.join(where)} -it {which} -- {shlex.join(program)}"
    return Failure(Code.NOT_ON_CLUSTER, "laneway exec is of one machine", f"write: {line}")


def _engine(client: Engine, state: State) -> engines.Engine | None:
    """The container engine that runs the replicas; None where they are processes."""
    from laneway.local import settings
    from laneway.local.container.engines import engine

    (kept,) = client.objects(settings.KIND, settings.KEY.namespace)
    return engine(settings.kept_runtime(kept["spec"]), state.id)


def _application(found: Sequence[Json], pods: Pods, app: str) -> tuple[Pod, int]:
    """One of these pods, a ready one if there is any, and the process of its application. Raises Failure."""
    from laneway.api.selection import PodQuery
    from laneway.cli.failure import Failure
    from laneway.local.pod.pods import read_pod
    from laneway.spec.problems import Code

    query = PodQuery(**pods)
    meant = sorted(
        (pod for pod in map(read_pod, found) if query.matches(pod)),
        key=lambda pod: (not pod.ready, pod.draining_since is not None, pod.key),
    )
    for pod in meant:
        for part, identity in pod.processes.items():
            if part.value == "app":
                return pod, identity.pid
    where = f" in lane {query.lane}" if query.lane else ""
    raise Failure(Code.NOT_FOUND, f"no replica of {app} runs{where}", "look: laneway get pods")


def replace_by(command: Sequence[str], pid: int) -> NoReturn:
    """Become this command where a process runs, with its variables. Raises Failure."""
    from laneway.cli.failure import Failure
    from laneway.local.process import entering
    from laneway.spec.problems import Code

    try:
        env = environment_of(Path(f"/proc/{pid}/environ").read_bytes())
        entering.become(command, pid, env)
    except FileNotFoundError:
        text = f"{command[0]} is not there, or the replica has just ended"
        raise Failure(Code.NOT_FOUND, text, "name a program that is in the replica's PATH") from None
    except PermissionError as error:
        text = f"{error.filename or 'the replica'}: {error.strerror}"
        raise Failure(Code.NOT_FOUND, text, "ask as its owner") from None


def environment_of(block: bytes) -> Mapping[str, str]:
    """The variables of a process, as `/proc/PID/environ` has them."""
    pairs = (each.partition("=") for each in os.fsdecode(block).split("\0"))
    return {name: value for name, separator, value in pairs if name and separator}
