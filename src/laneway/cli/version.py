"""`laneway version`: of this program, and of the daemon where one runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from laneway import __version__
from laneway.cli import options
from laneway.cli.options import Format
from laneway.cli.output import emit

if TYPE_CHECKING:
    from laneway.control.status import Json
    from laneway.local.state import State


@click.command("version", epilog=options.example("laneway version", "laneway version -o json"))
@options.output
@options.state
def version(output: Format, state: State) -> None:
    """Print the version, also of the daemon where one runs."""
    daemon = _daemon(state)
    document = {"version": __version__, "daemon": daemon}
    emit(output, document, table=lambda: _lines(daemon), names=[__version__])


def _daemon(place: State) -> Json | None:
    if place.holder() is None:
        return None
    from laneway.cli.client import Client, NotRunningError

    try:
        with Client(place.api) as client:
            answer = client.ping()
    except NotRunningError:
        return None
    return {"version": answer["version"], "pid": answer["pid"], "state": answer["state"]}


def _lines(daemon: Json | None) -> str:
    own = f"laneway {__version__}"
    return own if daemon is None else f"{own}\ndaemon  {daemon['version']}, process {daemon['pid']}"
