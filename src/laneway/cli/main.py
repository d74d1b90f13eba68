"""The command line: which commands there are, and how their failures become exit codes.

Modules of commands import at their top only what `--help` needs.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import click

from laneway.cli import (
    adopt,
    apply,
    compare,
    controller,
    delete,
    demonstration,
    describe,
    explain,
    get,
    history,
    install,
    lane,
    offline,
    options,
    overview,
    pods,
    release,
    scale,
    top,
    up,
    verbs,
    version,
)
from laneway.cli.replay import command as replay

INTERRUPTED = 128 + signal.SIGINT
"""Exit code after Ctrl-C, as shells have it."""

COMMANDS = (
    up.up,
    overview.status,
    get.get,
    describe.describe,
    explain.explain,
    lane.lane,
    apply.apply,
    delete.delete,
    release.release,
    replay.replay,
    scale.scale,
    top.top,
    history.history,
    history.events,
    history.logs,
    pods.execute,
    pods.restart,
    up.down,
    offline.check,
    offline.render,
    adopt.adopt,
    compare.diff,
    compare.export,
    install.install,
    controller.controller,
    demonstration.demo,
    version.version,
)


@click.group(
    "laneway",
    cls=options.InOrder,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@options.before_commands
def laneway(output: str | None, namespace: str | None, cluster: str | None, state: str | None) -> None:
    """Lanes by header and releases by weight on an Istio mesh, on this machine, with real Envoys.

    Start with: laneway demo
    """


for _verb in verbs.VERBS:
    release.release.add_command(_verb)
for _command in COMMANDS:
    laneway.add_command(_command)


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line, the process's own by default. Returns its exit code, and prints why it failed."""
    from laneway.cli.failure import Failure, ProblemsFailure

    try:
        code = laneway.main(arguments, prog_name="laneway", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return INTERRUPTED
    except (Failure, ProblemsFailure) as failure:
        failure.show()
        return failure.exit_code
    return code or 0


def main() -> NoReturn:
    """The program's entry: SIGTERM and SIGHUP end a command as Ctrl-C does."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminated)
    sys.exit(run())
