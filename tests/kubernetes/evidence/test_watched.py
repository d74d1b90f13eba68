"""What of a plan is counted."""

from __future__ import annotations

from tests.kubernetes.evidence.istio_metrics import APP, HOST, REVISION, watching
from tests.kubernetes.evidence.test_findings import app

from laneway.kubernetes.evidence.questions import Target
from laneway.kubernetes.evidence.watched import watched
from laneway.spec.world import Spec


def test_a_watch_is_counted_by_its_host_and_revision_with_the_latencies_of_its_guardrails() -> None:
    watch = watching(0).watch
    found = app({"metric": "latency", "above": "1s"}, {"metric": "errors", "above": "1%"})
    (each,) = watched([watch], Spec(apps={APP: found}))
    assert each.target == Target(HOST, REVISION)
    assert each.edges == {1000}
