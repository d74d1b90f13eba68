"""`laneway demo`: the command; the story is in `laneway.cli.demo`."""

from __future__ import annotations

from typing import Annotated

import typer

from laneway.cli import options
from laneway.cli.options import Format, Output

Rate = Annotated[
    float, typer.Option("--rate", min=1, max=1_000, metavar="N", help="Requests a second, meanwhile.")
]
Fast = Annotated[bool, typer.Option("--fast", help="Without pauses for the reader.")]


def demo(rate: Rate = 50, fast: Fast = False, output: Output = None) -> None:
    """Watch a lane, a canary and an abort on real Envoys.

    With real requests, in under a minute. It runs in a state of its own and leaves nothing behind. Exit
    code 1: something was not as it should be.
    """
    from laneway.cli.demo import tell

    raise typer.Exit(tell(as_json=options.output(output) is Format.JSON, rate=rate, fast=fast))
