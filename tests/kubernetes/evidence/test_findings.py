"""What an App asks for that a cluster does not find out."""

from __future__ import annotations

from typing import Any

from laneway.kubernetes.evidence.findings import findings
from laneway.plan.observed import Counts
from laneway.spec.app import App

ERRORS = {"metric": "errors", "above": "5%"}


def app(*guardrails: Any, steps: Any = None) -> App:
    """The pharmacy with these guardrails."""
    release: dict[str, Any] = {"judge": {"guardrails": list(guardrails)}}
    if steps:
        release["steps"] = steps
    return App.model_validate(
        {
            "apiVersion": "laneway.dev/v1alpha1",
            "kind": "App",
            "metadata": {"name": "pharmacy", "namespace": "shop"},
            "spec": {
                "workload": {"deployment": "pharmacy"},
                "service": {"ports": [{"port": 80}]},
                "release": release,
            },
        }
    )


def said(app: App, counts: Counts | None = None, counted: bool = True, trouble: str = "") -> list[str]:
    """Codes and texts."""
    return [f"{each.code}: {each.text}" for each in findings(app, counts, counted, trouble)]


def test_guardrails_without_a_prometheus_are_told() -> None:
    assert said(app(ERRORS), counted=False) == [
        "NotCounted: pharmacy has guardrails, and nobody counts its requests: "
        "give the controller `--prometheus`"
    ]
    assert said(app(), counted=False) == []


def test_a_prometheus_that_does_not_answer_is_told() -> None:
    assert said(app(ERRORS), trouble="All connection attempts failed") == [
        "NotCounted: pharmacy has guardrails, and nothing new is seen, for Prometheus gives no counts: "
        "All connection attempts failed"
    ]


def test_a_latency_that_istio_does_not_count_is_told_with_the_next_ones() -> None:
    latency = {"metric": "latency", "above": "300ms"}
    (text,) = said(app(ERRORS, latency))
    assert text.startswith("LatencyNotCounted: pharmacy has a guardrail of 300ms that cannot break")
    assert "write 250ms or 500ms" in text
    assert said(app({"metric": "latency", "above": "500ms"})) == []


def test_what_proxies_count_decides_as_soon_as_it_is_known() -> None:
    """They may have been told to count elsewhere."""
    latency = app({"metric": "latency", "above": "300ms"})
    assert said(latency, Counts(timed=3, within={300: 2})) == []
    assert said(latency, Counts(timed=3)) != []
    assert said(app({"metric": "latency", "above": "500ms"}), Counts(timed=3)) != []


def test_commands_are_not_run_on_a_cluster() -> None:
    gates = [{"command": ["./smoke", "--quick"]}, {"webhook": {"url": "http://ci/ok"}}, {"approval": {}}]
    assert said(app(steps=[{"weight": 20, "gates": gates}, {"weight": 100}])) == [
        "CommandNotRun: pharmacy has a gate that is not run on a cluster, at step 1: "
        "command ./smoke --quick; it does not pass: write a webhook"
    ]
