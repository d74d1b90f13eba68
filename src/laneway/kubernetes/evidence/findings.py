"""What an App asks for that a cluster does not find out, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.kubernetes.evidence.watched import guarded
from laneway.plan.observed import Counts
from laneway.plan.result import Finding, Severity
from laneway.spec.app import App

ISTIO_EDGES_MS = frozenset({1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000})
"""At which latencies Istio's proxies count, unless their pods say otherwise.

Those of Envoy's default buckets that can be written: envoy/source/common/stats/histogram_impl.cc.
"""


def findings(app: App, counts: Counts | None, counted: bool, trouble: str = "") -> tuple[Finding, ...]:
    """About one App.

    counts: of its release under way, None without one; counted: whether there is a Prometheus to ask;
    trouble: why that one gives no counts.
    """
    return (*_uncounted(app, counted, trouble), *_edges(app, counts), *_commands(app))


def _uncounted(app: App, counted: bool, trouble: str) -> Iterator[Finding]:
    judge = app.spec.release.judge
    if not (judge.guardrails or judge.metrics):
        return
    what = "guardrails" if judge.guardrails else "a judge"
    if not counted:
        text = f"has {what}, and nobody counts its requests: give the controller `--prometheus`"
        yield _says(app, "NotCounted", text)
    elif trouble:
        text = f"has {what}, and nothing new is seen, for Prometheus gives no counts: {trouble}"
        yield _says(app, "NotCounted", text)


def _edges(app: App, counts: Counts | None) -> Iterator[Finding]:
    """Guardrails of a latency at which nobody counts: they break never."""
    known = set(counts.within) if counts and counts.timed else ISTIO_EDGES_MS
    for edge in sorted(guarded(app) - known):
        near = " or ".join(f"{each}ms" for each in _nearest(edge))
        text = (
            f"has a guardrail of {edge}ms that cannot break: proxies do not count there; write {near}, or "
            "have them count there: sidecar.istio.io/statsHistogramBuckets"
        )
        yield _says(app, "LatencyNotCounted", text)


def _nearest(edge: int) -> list[int]:
    """The edges below and above; one where there is no other."""
    below = [each for each in ISTIO_EDGES_MS if each < edge]
    above = [each for each in ISTIO_EDGES_MS if each > edge]
    return [*([max(below)] if below else []), *([min(above)] if above else [])]


def _commands(app: App) -> Iterator[Finding]:
    for number, step in enumerate(app.spec.release.steps, start=1):
        for gate in step.gates:
            if gate.command:
                text = (
                    f"has a gate that is not run on a cluster, at step {number}: {gate.described}; it does "
                    "not pass: write a webhook"
                )
                yield _says(app, "CommandNotRun", text)


def _says(app: App, code: str, text: str) -> Finding:
    return Finding(code, app.key, f"{app.metadata.name} {text}", Severity.WARNING)
