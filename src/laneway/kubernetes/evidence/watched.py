"""What is to be counted: a revision's requests, and the latencies that its guardrails ask about. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from laneway.kubernetes.evidence.questions import Target
from laneway.manifests import names
from laneway.plan.judging import terms
from laneway.plan.result import Watch
from laneway.spec.app import App
from laneway.spec.world import Spec


@dataclass(frozen=True, slots=True)
class Watched:
    """A watch of the plan. edges: latencies in ms."""

    watch: Watch
    edges: frozenset[int] = frozenset()

    @property
    def target(self) -> Target:
        """By which labels its requests are known."""
        app = self.watch.app
        return Target(names.host(app.namespace, app.name), self.watch.revision)


def watched(watches: Iterable[Watch], spec: Spec) -> tuple[Watched, ...]:
    """What the plan wants to have counted."""
    return tuple(
        Watched(watch, edges_of(spec.apps[watch.app]) if watch.app in spec.apps else frozenset())
        for watch in watches
    )


def edges_of(app: App) -> frozenset[int]:
    """The latencies, in ms, that the app's judge and its guardrails ask about."""
    found = terms(app.spec.release)
    judged = {edge for metric in found.metrics for edge in metric.edges_ms} if found else set()
    return guarded(app) | judged


def guarded(app: App) -> frozenset[int]:
    """The latencies, in ms, that its guardrails ask about."""
    bounds = (guardrail.above for guardrail in app.spec.release.judge.guardrails)
    return frozenset(bound // timedelta(milliseconds=1) for bound in bounds if isinstance(bound, timedelta))
