"""The command line: which commands there are, and how their failures become exit codes.

Modules of commands import at their top only what `--help` needs.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import NoReturn

import typer

from laneway.cli import (
    apply,
    demonstration,
    explain,
    get,
    history,
    lane,
    offline,
    overview,
    release,
    up,
    version,
)
from laneway.cli.options import Namespace, Output, StateDir

app = typer.Typer(
    name="laneway",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_lanes = typer.Typer(
    no_args_is_help=True, help="Make, list and remove lanes: parallel environments by header."
)
_releases = typer.Typer(no_args_is_help=True, help="Follow, promote and abort releases.")


@app.callback()
def laneway(output: Output = None, namespace: Namespace = None, state: StateDir = None) -> None:
    """Lanes by header and releases by weight on an Istio mesh, here on this machine with real Envoys.

    Start with: laneway demo
    """


def _example(*lines: str) -> str:
    """The examples at the end of a command's help; the mark keeps their lines apart."""
    return "\n\n".join(["\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)])


app.command(
    "up", epilog=_example("laneway up -f examples/shop", "laneway up -f . --port 8080 --detach -o json")
)(up.up)
app.command("down", epilog=_example("laneway down", "laneway down --keep"))(up.down)
app.command("status", epilog=_example("laneway status", "laneway status -n shop -o json"))(overview.status)
app.command(
    "apply",
    epilog=_example("laneway apply -f pharmacy.yaml --wait", "kustomize build . | laneway apply -f -"),
)(apply.apply)
app.command(
    "get",
    epilog=_example("laneway get app", "laneway get vs,dr -n shop", "laneway get deploy pharmacy -o yaml"),
)(get.get)
app.command("render", epilog=_example("laneway render -f examples/shop > rendered.yaml"))(offline.render)
app.command("check", epilog=_example("laneway check -f examples/shop", "laneway check -R -f . -o json"))(
    offline.check
)
app.command(
    "explain",
    epilog=_example(
        "laneway explain -H 'x-lane: green' http://shop.example/pharmacy",
        "laneway explain --from pharmacy http://inventory/",
    ),
)(explain.explain)
app.add_typer(_lanes, name="lane")
app.add_typer(_releases, name="release")
app.command("history", epilog=_example("laneway history pharmacy --since 1h"))(history.history)
app.command("logs", epilog=_example("laneway logs pharmacy -f", "laneway logs shop/pharmacy --tail 20"))(
    history.logs
)
app.command("demo", epilog=_example("laneway demo", "laneway demo --fast -o json"))(demonstration.demo)
app.command("version", epilog=_example("laneway version", "laneway version -o json"))(version.version)

_lanes.command(
    "up",
    epilog=_example(
        "laneway lane up green --app pharmacy --image registry/pharmacy:pr-123 --wait",
        "laneway lane up green --app pharmacy=registry/pharmacy:pr-123 --app inventory --ttl 24h",
    ),
)(lane.lane_up)
_lanes.command("ls", epilog=_example("laneway lane ls"))(lane.lane_ls)
_lanes.command("rm", epilog=_example("laneway lane rm green --wait --ignore-not-found"))(lane.lane_rm)

_releases.command("status", epilog=_example("laneway release status", "laneway release status pharmacy"))(
    release.release_status
)
_releases.command("wait", epilog=_example("laneway release wait pharmacy --timeout 10m"))(
    release.release_wait
)
_releases.command(
    "promote", epilog=_example("laneway release promote pharmacy --reason 'looks right' --wait")
)(release.release_promote)
_releases.command("abort", epilog=_example("laneway release abort pharmacy --reason 'prices are wrong'"))(
    release.release_abort
)


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def main() -> None:
    """Run the command line; ends with its exit code. SIGTERM and SIGHUP end a command as Ctrl-C does."""
    from laneway.cli.failure import Failure, ProblemsFailure

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminated)
    try:
        app(prog_name="laneway")
    except (Failure, ProblemsFailure) as failure:
        failure.show()
        sys.exit(failure.exit_code)
