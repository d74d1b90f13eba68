"""`laneway demo`: the command; the story is in `laneway.cli.demo`."""

from __future__ import annotations

import click

from laneway.cli import options
from laneway.cli.options import Format


@click.command("demo", epilog=options.example("laneway demo", "laneway demo --fast -o json"))
@click.option(
    "--rate", type=click.FloatRange(1, 1_000), metavar="N", default=50, help="Requests a second, meanwhile."
)
@click.option("--fast", is_flag=True, help="Without pauses for the reader.")
@options.output
@options.of_this_machine
def demo(rate: float, fast: bool, output: Format) -> None:
    """Watch a lane, a canary and an abort on real Envoys.

    With real requests, in under a minute. It runs in a state of its own and leaves nothing behind. Exit
    code 1: something was not as it should be.
    """
    from laneway.cli.demo import tell

    click.get_current_context().exit(tell(as_json=output is Format.JSON, rate=rate, fast=fast))
