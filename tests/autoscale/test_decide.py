"""What an autoscaler decides: the order of its rules, and the conditions that say why."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.autoscale.samples import NOW, cpu, measured, pods, queue, requests, samples, spec

from laneway.autoscale.decide import Condition, Decision, decide
from laneway.autoscale.measured import Measured, NoMetricError
from laneway.autoscale.pace import Mark, Memory
from laneway.spec.autoscaling import HorizontalPodAutoscalerSpec

GONE = NoMetricError("no answer")


def told(decision: Decision) -> dict[str, tuple[bool, str]]:
    """Status and reason of each condition."""
    return {kind.value: (v.holds, v.word.reason) for kind, v in decision.conditions.items()}


def test_above_target_pods_are_added() -> None:
    """Kubernetes' three conditions, and a reason for people."""
    decision = decide(spec(cpu(50)), measured(3, samples(900, 900, 900)), Memory(), NOW)
    assert (decision.replicas, decision.reason) == (6, "cpu utilization above target")
    assert told(decision) == {
        "AbleToScale": (True, "SucceededRescale"),
        "ScalingActive": (True, "ValidMetricFound"),
        "ScalingLimited": (False, "DesiredWithinRange"),
    }
    assert decision.memory == Memory((Mark(NOW, 3), Mark(NOW, 6)), (Mark(NOW, 3),))


def test_below_target_pods_go_after_the_window() -> None:
    """What there was when it began to look counts as recommended: a restart takes nothing away."""
    idle = measured(6, samples(*[100] * 6))
    first = decide(spec(cpu(50)), idle, Memory(), NOW)
    assert (first.replicas, told(first)["AbleToScale"]) == (6, (True, "ScaleDownStabilized"))
    later = decide(spec(cpu(50)), idle, first.memory, NOW + timedelta(seconds=301))
    assert (later.replicas, later.reason) == (2, "all metrics below target")


@pytest.mark.parametrize(
    ("bounds", "expected", "reason"),
    [
        ({"min": 5, "max": 9}, 5, "fewer pods than minReplicas"),
        ({"min": 1, "max": 2}, 2, "more pods than maxReplicas"),
    ],
)
def test_bounds_come_first(bounds: dict[str, int], expected: int, reason: str) -> None:
    """At once: past windows, policies and metrics, even such as cannot be had."""
    still = {"scaleUp": {"selectPolicy": "Disabled"}, "scaleDown": {"selectPolicy": "Disabled"}}
    decision = decide(spec(cpu(50), behavior=still, **bounds), measured(3, GONE), Memory(), NOW)
    assert (decision.replicas, decision.reason) == (expected, reason)
    assert told(decision) == {"AbleToScale": (True, "SucceededRescale")}


def test_no_pods_asked_for_means_that_scaling_is_off() -> None:
    """As `kubectl scale --replicas 0` parks a Deployment."""
    decision = decide(spec(cpu(50)), Measured(0, (), (GONE,)), Memory(), NOW)
    assert (decision.replicas, told(decision)) == (0, {"ScalingActive": (False, "ScalingDisabled")})


def test_the_greatest_proposal_counts() -> None:
    """Of several metrics."""
    now = measured(3, samples(*[500] * 3), samples(*[30_000] * 3), 12_000)
    decision = decide(spec(cpu(50), requests("10"), queue(averageValue="4")), now, Memory(), NOW)
    assert (decision.replicas, decision.reason) == (6, "pods metric requests_per_second above target")
    assert [proposal and proposal.replicas for proposal in decision.metrics] == [3, 9, 3]
    assert told(decision)["ScalingLimited"] == (True, "ScaleUpLimit")


@pytest.mark.parametrize(("used", "expected"), [(900, 6), (100, 3), (500, 3)])
def test_a_metric_that_is_missing_keeps_pods_from_going_not_from_coming(used: int, expected: int) -> None:
    """It might be the one that needs them."""
    fast = {"scaleDown": {"stabilizationWindowSeconds": 0}}
    now = measured(3, samples(*[used] * 3), GONE)
    decision = decide(spec(cpu(50), queue(value="4"), behavior=fast), now, Memory(), NOW)
    assert decision.replicas == expected
    assert [word.reason for word in decision.failures] == ["FailedGetExternalMetric"]
    active = (False, "FailedGetExternalMetric") if used == 100 else (True, "ValidMetricFound")
    assert told(decision)["ScalingActive"] == active


def test_without_any_metric_nothing_changes() -> None:
    """The first failure is the condition's word."""
    decision = decide(spec(cpu(50), queue(value="4")), measured(3, {}, GONE), Memory(), NOW)
    assert (decision.replicas, decision.reason) == (3, "")
    assert told(decision) == {"ScalingActive": (False, "FailedGetResourceMetric")}
    assert decision.conditions[Condition.SCALING_ACTIVE].word.text.startswith("cpu utilization: did not")


def test_no_metrics_means_80_percent_of_the_cpu() -> None:
    """Kubernetes' default."""
    written = {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "maxReplicas": 9}
    decision = decide(
        HorizontalPodAutoscalerSpec.model_validate(written), measured(2, samples(1600, 1600)), Memory(), NOW
    )
    assert decision.replicas == 4


def test_the_tolerance_may_be_written() -> None:
    """As a quantity, for each direction."""
    behavior = {"scaleUp": {"tolerance": "500m"}}
    now = measured(4, samples(*[700] * 4))
    assert decide(spec(cpu(50), behavior=behavior), now, Memory(), NOW).replicas == 4
    assert decide(spec(cpu(50)), now, Memory(), NOW).replicas == 6


def test_pods_that_start_do_not_call_for_more_pods() -> None:
    """Else a hot start would go up to the maximum."""
    starting = pods(4, 2, ready=False, ready_since=NOW, started=NOW)
    now = Measured(6, (*pods(2), *starting), (samples(900, 900, 2_000, 2_000, 2_000, 2_000),))
    assert decide(spec(cpu(50)), now, Memory(), NOW).replicas == 6
