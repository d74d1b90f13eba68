"""`laneway replay`: how often a judge errs on recorded traffic, and how soon it finds what."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from laneway.cli import options
from laneway.cli.options import Format

if TYPE_CHECKING:
    from laneway.analysis.configuration import Configuration
    from laneway.analysis.replay import Ended, Releases, Replay
    from laneway.cli.replay.terms import Written
    from laneway.control.recorded import Recorded

SEED = 1
WEIGHT, LIMIT = 0.2, timedelta(minutes=30)
"""Of a canary that was not recorded, and the time for a verdict, where no App says otherwise."""


@click.command(
    "replay",
    epilog=options.example(
        "laneway replay traffic.jsonl --metrics errors --weight 20",
        "laneway replay -f pharmacy.yaml --prometheus http://prometheus:9090 --from 6h --plot judge.svg",
    ),
)
@click.argument("file", metavar="[FILE]", required=False, help="Recorded counts, as JSON lines; - for stdin.")
@click.option("--prometheus", metavar="URL", help="Take the counts of Istio's metrics there instead.")
@click.option(
    "--prometheus-token",
    "token",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="File of a bearer token for it.",
)
@click.option(
    "--from", "since", type=options.MOMENT, metavar="TIME", help="Since when: a time, or how long ago."
)
@click.option(
    "--to",
    "until",
    type=options.MOMENT,
    metavar="TIME",
    default="0s",
    show_default="now",
    help="Until when, likewise.",
)
@click.option(
    "--every", type=options.DURATION, metavar="DURATION", default="15s", help="How long an interval is."
)
@click.option(
    "--canary",
    metavar="REVISION",
    show_default="nobody's: it is drawn from all",
    help="Whose requests were the canary's.",
)
@click.option(
    "--stable", metavar="REVISION", show_default="every other revision", help="Whose requests were stable's."
)
@options.files
@options.recursive
@click.option(
    "--app",
    metavar="NAME",
    show_default="the only one of the files",
    help="Which App of the files, or whose requests Prometheus has.",
)
@click.option(
    "--metrics",
    metavar="NAMES",
    show_default="the App's, else errors,latency",
    help="What is compared, with commas: errors, latency.",
)
@click.option(
    "--false-rollback",
    type=options.PERCENT,
    metavar="PERCENT",
    help="So many healthy releases are rolled back, at most.",
)
@click.option(
    "--false-promote",
    type=options.PERCENT,
    metavar="PERCENT",
    help="So many releases that are refused are promoted, at most.",
)
@click.option("--tolerate-ratio", type=options.RATIO, metavar="N", help="Tolerate N times stable's share.")
@click.option("--tolerate-plus", type=options.PERCENT, metavar="PERCENT", help="Tolerate so much besides.")
@click.option(
    "--refuse-ratio", type=options.RATIO, metavar="N", help="Refuse from N times stable's share on."
)
@click.option(
    "--refuse-plus", type=options.PERCENT, metavar="PERCENT", help="Refuse from so much besides on."
)
@click.option(
    "--weight",
    type=options.PERCENT,
    metavar="PERCENT",
    show_default="the App's first step, else as recorded, else 20",
    help="The canary's share of the requests.",
)
@click.option(
    "--for",
    "limit",
    type=options.DURATION,
    metavar="DURATION",
    show_default="the App's first step, else 30m",
    help="How long a release waits for a verdict.",
)
@click.option(
    "--runs",
    type=click.IntRange(1, 1_000_000),
    metavar="N",
    default=400,
    help="Healthy releases; of each regression a quarter as many.",
)
@click.option("--seed", type=int, metavar="N", default=SEED, help="Of the random numbers.")
@click.option(
    "--plot", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Draw it as an SVG."
)
@options.output
@options.namespace
def replay(
    paths: tuple[str, ...],
    recursive: bool,
    app: str | None,
    weight: int | None,
    limit: timedelta | None,
    runs: int,
    seed: int,
    plot: Path | None,
    output: Format,
    namespace: str | None,
    **given: Any,
) -> None:
    """Try a judge on recorded traffic.

    Prints what the judge says of the recording, and of releases that are drawn from it: how often it rolls
    back healthy ones, how soon it finds regressions, and how long a promotion takes.
    """
    from laneway.cli.output import emit, say
    from laneway.cli.replay import plot as plots
    from laneway.cli.replay import report, source, terms

    _check(given)
    written = terms.written(paths, recursive, namespace, app)
    asked = terms.overridden(written, terms.Given(**{name: given.pop(name) for name in terms.NAMES}))
    where = source.of(namespace=namespace or written.namespace, app=app or written.app, **given)
    recorded = source.recorded(where, asked)
    configuration, notes = source.fitting(recorded, asked, where)
    for note in notes:
        say(note)
    releases = _releases(written, recorded, weight, limit, runs)
    itself, found = _replayed(configuration, recorded, releases, seed)
    whole = report.Report(where.name, recorded, configuration, releases, seed, itself, found)
    if plot:
        _write(plot, plots.svg(whole))
    emit(
        output,
        report.document(whole),
        table=lambda: report.table(whole),
        names=[itself.outcome.value] if itself else [],
    )


def _check(given: dict[str, Any]) -> None:
    """Exactly one source, with its own options."""
    if bool(given["file"]) == bool(given["prometheus"]):
        raise click.UsageError("write either FILE or --prometheus URL")
    if given["prometheus"]:
        if given["since"] is None:
            raise click.UsageError("say since when: --from 6h")
        return
    for name, option in (("since", "from"), ("canary", "canary"), ("stable", "stable"), ("token", "token")):
        if given[name] is not None:
            raise click.UsageError(f"--{option} is of --prometheus, not of a file")


def _releases(
    written: Written, recorded: Recorded, weight: int | None, limit: timedelta | None, runs: int
) -> Releases:
    from laneway.analysis.replay import Releases
    from laneway.spec.values import FULL

    if weight is not None and not 0 < weight < FULL:
        raise click.BadParameter("write a share between 0 and 100", param_hint="--weight")
    step = written.step
    share = weight if weight is not None else step.weight if step else None
    lasting = limit if limit is not None else step.limit if step else LIMIT
    if lasting <= timedelta(0):
        raise click.BadParameter("write a time above 0", param_hint="--for")
    return Releases(
        runs=runs,
        weight=share / FULL if share is not None else WEIGHT if recorded.alone else None,
        lasting=lasting.total_seconds(),
        hold=step.hold_for.total_seconds() if step else 0.0,
    )


def _replayed(
    configuration: Configuration, recorded: Recorded, releases: Releases, seed: int
) -> tuple[Ended | None, Replay]:
    from random import Random

    from laneway.analysis.replay import replay, run, sizes
    from laneway.cli.replay.progress import Progress

    ticks = recorded.ticks(configuration)
    itself = None if recorded.alone else run(configuration, ticks)
    total = sum(
        releases.many(excess) for excess in (0.0, *(size for _, size in sizes(configuration.metrics)))
    )
    progress = Progress("releases", total)
    return itself, replay(configuration, ticks, Random(seed), releases, told=progress.show)


def _write(path: Path, text: str) -> None:
    from laneway.cli.failure import Failure
    from laneway.cli.output import say
    from laneway.spec.problems import Code

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failure(
            Code.NO_FILE,
            f"{path} cannot be written: {error.strerror}",
            "name a file in a folder that is there",
        ) from None
    say(f"drawn: {path}")
