"""Where a replay's counts come from: a file, or Prometheus. Must not know what is made of them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import click

from laneway.analysis.configuration import Configuration
from laneway.cli.failure import Failure, ProblemsFailure, document_of
from laneway.control.recorded import Recorded, of_file
from laneway.spec.problems import Code
from laneway.spec.recording import read

INTERVALS_MAX = 100_000
"""More than two weeks of quarter minutes say nothing new, and are hours of a Prometheus' work."""


@dataclass(frozen=True, slots=True)
class File:
    """A path, or `-`."""

    path: str

    @property
    def name(self) -> str:
        """As people know it."""
        return "<stdin>" if self.path == "-" else self.path


@dataclass(frozen=True, slots=True)
class Metrics:
    """Istio's, in a Prometheus."""

    url: str
    token: Path | None
    namespace: str
    app: str
    since: datetime
    until: datetime
    every: timedelta
    canary: str | None
    stable: str | None

    @property
    def name(self) -> str:
        """As people know it."""
        return f"{self.namespace}/{self.app} at {self.url}"


Source = File | Metrics


def of(
    *,
    file: str | None,
    prometheus: str | None,
    token: Path | None,
    since: datetime | None,
    until: datetime,
    every: timedelta,
    canary: str | None,
    stable: str | None,
    namespace: str,
    app: str | None,
) -> Source:
    """What options say. Raises a usage error where they do not say enough."""
    if file or prometheus is None or since is None:
        return File(file or "-")
    if not app:
        raise click.UsageError("say which app: --app NAME")
    if every < timedelta(seconds=1) or every % timedelta(seconds=1):
        raise click.BadParameter("write whole seconds", param_hint="--every")
    since = since.replace(microsecond=0)
    if until - since < 2 * every:
        raise click.BadParameter("write a time before --to, by two intervals at least", param_hint="--from")
    if (until - since) // every > INTERVALS_MAX:
        raise click.BadParameter(
            f"more than {INTERVALS_MAX:,} intervals; write longer ones", param_hint="--every"
        )
    return Metrics(prometheus, token, namespace, app, since, until, every, canary, stable)


def recorded(source: Source, terms: Configuration) -> Recorded:
    """The counts. Raises Failure, or ProblemsFailure where something is wrong in a file."""
    found = _read(source) if isinstance(source, File) else _asked(source, terms)
    if not any(span.stable and span.stable.requests for span in found.spans):
        raise Failure(Code.NOTHING_RECORDED, *_nothing(source))
    return found


def fitting(recorded: Recorded, terms: Configuration, source: Source) -> tuple[Configuration, list[str]]:
    """The terms with what was recorded, and what was not. Raises Failure where nothing was."""
    found, notes = recorded.fitting(terms)
    if found is None:
        raise Failure(Code.NOTHING_RECORDED, f"{source.name}: {'; '.join(notes)}")
    return found, notes


def _nothing(source: Source) -> tuple[str, str | None]:
    if isinstance(source, File):
        return f"{source.name} has no interval in which stable had requests", None
    whose = f"revision {source.stable}" if source.stable else "any revision"
    return (
        f"Prometheus has no requests to {whose} of {source.namespace}/{source.app} in that time",
        "look for its istio_requests_total; -n names its namespace, --from the time",
    )


def _read(source: File) -> Recorded:
    try:
        text = sys.stdin.read() if source.path == "-" else Path(source.path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        raise Failure(
            Code.NO_FILE, f"{source.path} cannot be read: {said}", "give a readable file of JSON lines, or -"
        ) from None
    found, problems = read(text, source.name)
    if problems:
        raise ProblemsFailure([document_of(problem) for problem in problems], then="nothing was replayed")
    return of_file(found)


def _asked(source: Metrics, terms: Configuration) -> Recorded:
    import asyncio

    from laneway.cli.replay.progress import Progress
    from laneway.control.metrics import prometheus
    from laneway.kubernetes.evidence import past
    from laneway.manifests.names import host

    asked = past.Asked(
        host=host(source.namespace, source.app),
        since=source.since,
        until=source.until,
        step=source.every,
        edges=frozenset(edge for metric in terms.metrics for edge in metric.edges_ms),
        canary=source.canary,
        stable=source.stable,
    )
    steps = (asked.until - asked.since) // asked.step
    progress = Progress("intervals read", steps)

    async def ask() -> Recorded:
        async with prometheus.Prometheus(prometheus.Source(source.url, source.token)) as server:
            return await past.read(server, asked, lambda share: progress.show(round(share * steps)))

    try:
        return asyncio.run(ask())
    except prometheus.NoAnswerError as error:
        raise Failure(Code.NO_COUNTS, f"{source.url} gives no counts: {error}") from None
