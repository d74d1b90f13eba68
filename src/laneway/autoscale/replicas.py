"""How many pods one metric asks for: Kubernetes' replica calculator.

Where pods are not ready, or nothing is known of them, the change is damped towards none, and never turns
round. Source: Kubernetes 1.36, pkg/controller/podautoscaler/replica_calculator.go; the numbers are doubles
and truncated integers as there, so that both come to the same answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from laneway.autoscale.measured import Measured, NoMetricError, PerPod, Pod, Reading
from laneway.spec.autoscaling import MetricSpec, ResourceMetric

CPU_INITIALIZATION = timedelta(minutes=5)
"""From a pod's start: its CPU counts only while it is ready, and once a whole window of it was measured."""
INITIAL_READINESS = timedelta(seconds=30)
"""A pod that became not ready within this time from its start has never been ready."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a metric may be off, as a part of its target, without a change."""

    up: float = 0.1
    down: float = 0.1

    def covers(self, ratio: float) -> bool:
        """Whether a ratio of actual to target is near enough."""
        return 1.0 - self.down <= ratio <= 1.0 + self.up


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one metric asks for. current: the metric now, as `status.currentMetrics` has it."""

    replicas: int
    current: Mapping[str, int | Decimal]


Amounts = Mapping[str, int]
_Ratio = Callable[[Amounts], float]


def propose(
    metric: MetricSpec, reading: Reading, measured: Measured, tolerance: Tolerance, now: datetime
) -> Proposal:
    """The pods that this metric asks for. Raises NoMetricError where it says nothing."""
    if isinstance(reading, NoMetricError):
        raise reading
    if isinstance(reading, int):
        return _as_a_whole(metric, reading, measured, tolerance)
    resource = metric.resource
    if resource and resource.target.type == "Utilization":
        return _by_utilization(resource, reading, measured, tolerance, now)
    assert metric.target.average_value is not None, "validated"
    name = resource.name if resource else ""
    return _by_average(name, milli(metric.target.average_value), reading, measured, tolerance, now)


def milli(amount: Decimal) -> int:
    """Thousandths, rounded up."""
    return math.ceil(amount * 1000)


def _by_utilization(
    metric: ResourceMetric, samples: PerPod, measured: Measured, tolerance: Tolerance, now: datetime
) -> Proposal:
    target = metric.target.average_utilization
    assert target is not None, "validated"
    requests = _requests(metric.name, measured.pods)

    def utilization(amounts: Amounts) -> int:
        known = [name for name in amounts if name in requests]
        total = sum(requests[name] for name in known)
        if not total:
            raise NoMetricError("no metrics returned matched known pods")
        return sum(amounts[name] for name in known) * 100 // total

    groups = _grouped(measured.pods, samples, metric.name, now)
    known = {name: samples[name].amount for name in groups.counted}
    fallback = {name: requests[name] * max(100, target) // 100 for name in groups.missing}
    replicas = _damped(
        measured.replicas, groups, known, lambda a: utilization(a) / target, fallback, tolerance
    )
    average = sum(known.values()) // len(known)
    current: dict[str, int | Decimal] = {
        "averageUtilization": utilization(known),
        "averageValue": Decimal(average) / 1000,
    }
    return Proposal(replicas, current)


def _requests(resource: str, pods: Iterable[Pod]) -> dict[str, int]:
    found = {}
    for pod in pods:
        if not pod.requests.get(resource):
            raise NoMetricError(f"missing request for {resource} in pod {pod.name}")
        found[pod.name] = pod.requests[resource]
    return found


def _by_average(
    resource: str, target: int, samples: PerPod, measured: Measured, tolerance: Tolerance, now: datetime
) -> Proposal:
    groups = _grouped(measured.pods, samples, resource, now)
    known = {name: samples[name].amount for name in groups.counted}

    def average(amounts: Amounts) -> int:
        return sum(amounts.values()) // len(amounts)

    fallback = dict.fromkeys(groups.missing, target)
    replicas = _damped(measured.replicas, groups, known, lambda a: average(a) / target, fallback, tolerance)
    return Proposal(replicas, {"averageValue": Decimal(average(known)) / 1000})


@dataclass(frozen=True, slots=True)
class _Groups:
    """Pods by name: those whose samples count, those not ready yet, and those of which nothing is known."""

    counted: tuple[str, ...]
    unready: tuple[str, ...]
    missing: tuple[str, ...]


def _grouped(pods: Iterable[Pod], samples: PerPod, resource: str, now: datetime) -> _Groups:
    """Raises NoMetricError where no sample is left to go by."""
    staying = [pod for pod in pods if not pod.leaving]
    if not staying:
        raise NoMetricError("no pods returned by selector while calculating replica count")
    missing = [pod.name for pod in staying if not pod.pending and pod.name not in samples]
    unready = [
        pod.name
        for pod in staying
        if pod.pending or (pod.name in samples and resource == "cpu" and _starts(pod, samples, now))
    ]
    counted = [pod.name for pod in staying if pod.name not in {*missing, *unready}]
    if not counted:
        raise NoMetricError("did not receive metrics for targeted pods (pods might be unready)")
    return _Groups(tuple(counted), tuple(unready), tuple(missing))


def _starts(pod: Pod, samples: PerPod, now: datetime) -> bool:
    """Whether a pod's CPU is that of its start, which says nothing of its load."""
    if pod.started + CPU_INITIALIZATION > now:
        sample = samples[pod.name]
        return not pod.ready or sample.at < pod.ready_since + sample.window
    return not pod.ready and pod.started + INITIAL_READINESS > pod.ready_since


def _damped(
    replicas: int, groups: _Groups, known: Amounts, ratio: _Ratio, fallback: Amounts, tolerance: Tolerance
) -> int:
    """Pods for a ratio of actual to target.

    Before pods are taken away, those of which nothing is known count as at their target (`fallback`); before
    some are added, these and those not ready count as idle.
    """
    first = ratio(known)
    rises = first > 1.0 and bool(groups.unready)
    if not rises and not groups.missing:
        return replicas if tolerance.covers(first) else math.ceil(first * len(known))
    amounts = dict(known)
    if first < 1.0:
        amounts |= fallback
    elif first > 1.0:
        amounts |= dict.fromkeys(groups.missing, 0)
    if rises:
        amounts |= dict.fromkeys(groups.unready, 0)
    second = ratio(amounts)
    if tolerance.covers(second) or (first < 1.0 < second) or (second < 1.0 < first):
        return replicas
    proposed = math.ceil(second * len(amounts))
    turns = (second < 1.0 and proposed > replicas) or (second > 1.0 and proposed < replicas)
    return replicas if turns else proposed


def _as_a_whole(metric: MetricSpec, amount: int, measured: Measured, tolerance: Tolerance) -> Proposal:
    """Pods for one number: it shared by the pods that exist, or in proportion to the pods that are ready."""
    target = metric.target
    if target.average_value is not None:
        each = milli(target.average_value)
        there = sum(not pod.leaving for pod in measured.pods)
        near = there > 0 and tolerance.covers(amount / (each * there))
        average = Decimal(math.ceil(amount / there)) / 1000 if there else Decimal(0)
        return Proposal(there if near else math.ceil(amount / each), {"averageValue": average})
    assert target.value is not None, "validated"
    ratio, current = amount / milli(target.value), {"value": Decimal(amount) / 1000}
    if tolerance.covers(ratio):
        return Proposal(measured.replicas, current)
    if not measured.pods:
        raise NoMetricError("unable to calculate ready pods: no pods returned by selector")
    return Proposal(math.ceil(ratio * sum(pod.ready for pod in measured.pods)), current)
