"""What an autoscaler decides: from spec, measurement, memory and clock to a number of pods, and why.

Source: Kubernetes 1.36, pkg/controller/podautoscaler/horizontal.go. Bounds are kept at once, past metrics,
windows and policies; of several metrics the greatest proposal counts; a metric that cannot be had keeps pods
from being taken away, not from being added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from laneway.autoscale.measured import Measured, NoMetricError
from laneway.autoscale.pace import Mark, Memory, Word, limited, stabilized
from laneway.autoscale.replicas import Proposal, Tolerance, propose
from laneway.spec.autoscaling import HorizontalPodAutoscalerSpec, MetricSpec


class Condition(StrEnum):
    """The conditions of `status.conditions`."""

    ABLE_TO_SCALE = "AbleToScale"
    SCALING_ACTIVE = "ScalingActive"
    SCALING_LIMITED = "ScalingLimited"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A condition's status and why."""

    holds: bool
    word: Word


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now. replicas: as they are where nothing is to be changed.

    reason: of a change, in words; conditions: those that this decision is about, the others stay; metrics:
    what each metric followed says, None where it cannot be had; failures: why these cannot.
    """

    replicas: int
    memory: Memory
    reason: str = ""
    conditions: Mapping[Condition, Verdict] = field(default_factory=dict)
    metrics: tuple[Proposal | None, ...] = ()
    failures: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the metrics want together. pods: None where they say nothing to go by."""

    pods: int | None
    name: str
    active: Verdict
    proposals: tuple[Proposal | None, ...]
    failures: tuple[Word, ...]


def decide(spec: HorizontalPodAutoscalerSpec, measured: Measured, memory: Memory, now: datetime) -> Decision:
    """The pods that the target shall have. Never raises."""
    current = measured.replicas
    memory = memory if memory.recommended else _begun(memory, current, now)
    if current == 0:
        disabled = Word(
            "ScalingDisabled", "scaling is disabled since the replica count of the target is zero"
        )
        return Decision(0, memory, conditions={Condition.SCALING_ACTIVE: Verdict(False, disabled)})
    if current > spec.max_replicas:
        return _rescaled(current, spec.max_replicas, "more pods than maxReplicas", memory, now)
    if current < spec.min_replicas:
        return _rescaled(current, spec.min_replicas, "fewer pods than minReplicas", memory, now)
    wanted = _wanted(spec, measured, now)
    if wanted.pods is None:
        conditions = {Condition.SCALING_ACTIVE: wanted.active}
        return Decision(current, memory, "", conditions, wanted.proposals, wanted.failures)
    return _paced(spec, current, wanted, wanted.pods, memory, now)


def _begun(memory: Memory, current: int, now: datetime) -> Memory:
    """A new memory: what there is counts as recommended, so that a restart takes no pods away."""
    return Memory((Mark(now, current),), memory.added, memory.removed)


def _rescaled(current: int, replicas: int, reason: str, memory: Memory, now: datetime) -> Decision:
    able = {Condition.ABLE_TO_SCALE: _succeeded(replicas)}
    return Decision(replicas, memory.changed(current, replicas, now), reason, able)


def _succeeded(replicas: int) -> Verdict:
    text = f"the HPA controller was able to update the target scale to {replicas}"
    return Verdict(True, Word("SucceededRescale", text))


def _wanted(spec: HorizontalPodAutoscalerSpec, measured: Measured, now: datetime) -> _Wanted:
    """The greatest proposal of the metrics that can be had."""
    tolerance = tolerance_of(spec)
    proposals: list[Proposal | None] = []
    failures: list[Word] = []
    greatest, by = 0, ""
    for metric, reading in zip(spec.followed, measured.readings, strict=True):
        try:
            proposal = propose(metric, reading, measured, tolerance, now)
        except NoMetricError as error:
            proposals.append(None)
            failures.append(Word(f"FailedGet{metric.type}Metric", f"{name_of(metric)}: {error}"))
            continue
        proposals.append(proposal)
        if not by or proposal.replicas > greatest:
            greatest, by = proposal.replicas, name_of(metric)
    known = tuple(proposals), tuple(failures)
    if not by or (failures and greatest < measured.replicas):
        return _Wanted(None, "", Verdict(False, failures[0]), *known)
    text = f"the HPA was able to successfully calculate a replica count from {by}"
    return _Wanted(greatest, by, Verdict(True, Word("ValidMetricFound", text)), *known)


def tolerance_of(spec: HorizontalPodAutoscalerSpec) -> Tolerance:
    """The tolerance written, else Kubernetes' tenth."""
    if spec.behavior is None:
        return Tolerance()
    up, down = spec.behavior.scale_up.tolerance, spec.behavior.scale_down.tolerance
    return Tolerance(0.1 if up is None else float(up), 0.1 if down is None else float(down))


def _paced(
    spec: HorizontalPodAutoscalerSpec,
    current: int,
    wanted: _Wanted,
    pods: int,
    memory: Memory,
    now: datetime,
) -> Decision:
    steady = stabilized(current, pods, memory, spec.behavior, now)
    bounds = spec.min_replicas, spec.max_replicas
    final = limited(current, steady.pods, bounds, memory, spec.behavior, now)
    memory = memory.recommending(pods, now)
    able, reason = Verdict(True, steady.word), ""
    if final.pods != current:
        able = _succeeded(final.pods)
        reason = _reason(wanted.name, pods, current)
        memory = memory.changed(current, final.pods, now)
    conditions = {
        Condition.ABLE_TO_SCALE: able,
        Condition.SCALING_ACTIVE: wanted.active,
        Condition.SCALING_LIMITED: Verdict(final.cut, final.word),
    }
    return Decision(final.pods, memory, reason, conditions, wanted.proposals, wanted.failures)


def _reason(name: str, pods: int, current: int) -> str:
    if pods == current:
        return "recently recommended"
    return f"{name} above target" if pods > current else "all metrics below target"


def name_of(metric: MetricSpec) -> str:
    """A metric in words."""
    if metric.resource:
        kind = "utilization" if metric.target.type == "Utilization" else "usage"
        return f"{metric.resource.name} {kind}"
    if metric.pods:
        return f"pods metric {metric.pods.metric.name}"
    if metric.object:
        return f"{metric.object.described_object.kind} metric {metric.object.metric.name}"
    assert metric.external is not None, "validated"
    return f"external metric {metric.external.metric.name}"
