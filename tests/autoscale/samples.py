"""Pods, samples and metrics to test with. Amounts are thousandths."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from laneway.autoscale.measured import Measured, Pod, Reading, Sample
from laneway.spec.autoscaling import HorizontalPodAutoscalerSpec, MetricSpec

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR_AGO = NOW - timedelta(hours=1)
WINDOW = timedelta(seconds=15)


def pods(count: int, first: int = 0, **fields: Any) -> tuple[Pod, ...]:
    """Pods that have been ready for long, each of which requests a core and a gigabyte."""
    usual: dict[str, Any] = {
        "started": HOUR_AGO,
        "ready": True,
        "ready_since": HOUR_AGO,
        "requests": {"cpu": 1000, "memory": 10**12},
    }
    return tuple(Pod(name=f"p{index}", **(usual | fields)) for index in range(first, first + count))


def samples(*amounts: int) -> dict[str, Sample]:
    """Samples of the pods p0, p1 and so on."""
    return {f"p{index}": Sample(amount, NOW, WINDOW) for index, amount in enumerate(amounts)}


def cpu(percent: int = 0, average: str = "") -> MetricSpec:
    """A metric of CPU: percent of the request, or cores."""
    target: dict[str, Any] = {"type": "Utilization", "averageUtilization": percent}
    if average:
        target = {"type": "AverageValue", "averageValue": average}
    return MetricSpec.model_validate({"type": "Resource", "resource": {"name": "cpu", "target": target}})


def requests(average: str) -> MetricSpec:
    """A metric of requests per second and pod."""
    target = {"type": "AverageValue", "averageValue": average}
    pods = {"metric": {"name": "requests_per_second"}, "target": target}
    return MetricSpec.model_validate({"type": "Pods", "pods": pods})


def queue(**target: str) -> MetricSpec:
    """A metric from outside: `value` or `averageValue`."""
    kind = "Value" if "value" in target else "AverageValue"
    external = {"metric": {"name": "queue"}, "target": {"type": kind, **target}}
    return MetricSpec.model_validate({"type": "External", "external": external})


def spec(*metrics: MetricSpec, behavior: Any = None, **bounds: int) -> HorizontalPodAutoscalerSpec:
    """An autoscaler from 1 to 20 pods, unless said otherwise."""
    return HorizontalPodAutoscalerSpec.model_validate(
        {
            "scaleTargetRef": {"kind": "Deployment", "name": "web"},
            "minReplicas": 1,
            "maxReplicas": 20,
            **{f"{name}Replicas": value for name, value in bounds.items()},
            "metrics": [metric.written() for metric in metrics],
            "behavior": behavior,
        }
    )


def measured(count: int, *readings: Reading) -> Measured:
    """A target of so many pods that have been ready for long."""
    return Measured(count, pods(count), readings)
