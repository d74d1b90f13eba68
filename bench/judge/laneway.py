"""Laneway's own judge over simulated traffic: its real code, tick by tick."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.judge.traffic import TICK, Stream
from laneway.analysis.configuration import Configuration, Kind, Margin, Metric
from laneway.analysis.replay import Ended, run
from laneway.analysis.tick import Arm, Counted, Tick
from laneway.analysis.verdict import Outcome

ALPHA = 0.01


def configuration(ratio: float = 1.1, plus: float = 0.0005, phi: float = 1.0) -> Configuration:
    """Errors alone, with what is tolerated."""
    refuse = Margin(max(ratio, 1.25), max(plus, 0.0025))
    metric = Metric("errors", Kind.COUNT, Margin(ratio, plus), refuse, phi=phi)
    return Configuration((metric,), false_rollback=ALPHA)


BARE = configuration(1.0, 0.0)
"""No margin, as the peers have none."""
DEFAULT = configuration()


def ticks(stream: Stream, name: str = "errors") -> Iterator[Tick]:
    """The stream as a judge reads it."""
    wide = stream.canary_bad.ndim > 1
    columns = (stream.canary, stream.stable, stream.canary_bad, stream.stable_bad, stream.weights)
    pods = _pods(stream)
    for index, (nc, nb, xc, xb, weight) in enumerate(zip(*[each.tolist() for each in columns], strict=True)):
        canary = Arm(nc, tuple(xc) if wide else (xc,))
        stable = Arm(nb, tuple(xb) if wide else (xb,))
        yield Tick(
            since=index * TICK,
            at=(index + 1) * TICK,
            weight=weight,
            canary=nc,
            stable=nb,
            metrics={name: Counted(canary, stable, pods[index] if pods else ())},
        )


def _pods(stream: Stream) -> list[list[Arm]]:
    if stream.pods is None:
        return []
    requests, bad = stream.pods
    return [
        [Arm(n, (x,)) for n, x in zip(*row, strict=True)]
        for row in zip(requests.tolist(), bad.tolist(), strict=True)
    ]


def judged(
    configuration: Configuration, stream: Stream, promotes: bool = True, name: str = "errors"
) -> Ended:
    """The release's end. promotes: else the whole hour tries to roll it back."""
    return run(configuration, ticks(stream, name), promotes)


def rolled_back(ends: Sequence[Ended]) -> list[float]:
    """Minutes of the rollbacks."""
    return [end.after / 60 for end in ends if end.outcome is Outcome.ROLLBACK]


def promoted(ends: Sequence[Ended]) -> list[Ended]:
    """Those that were promoted."""
    return [end for end in ends if end.outcome is Outcome.PROMOTE]
