"""The status of a HorizontalPodAutoscaler, as Kubernetes writes it. Pure. Must not decide."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from laneway.autoscale.decide import Condition, Decision, Verdict
from laneway.autoscale.pace import Word
from laneway.autoscale.replicas import Proposal
from laneway.spec.autoscaling import HorizontalPodAutoscalerSpec, MetricSpec
from laneway.spec.meta import Key
from laneway.spec.values import format_quantity

Body = Mapping[str, Any]


def status_after(
    body: Body, spec: HorizontalPodAutoscalerSpec, before: int, decision: Decision, now: datetime
) -> dict[str, Any]:
    """The status after a decision. body: the autoscaler as it is stored; before: replicas of its target."""
    old = body.get("status") or {}
    able = Verdict(
        True, Word("SucceededGetScale", "the HPA controller was able to get the target's current scale")
    )
    conditions = {Condition.ABLE_TO_SCALE: able} | dict(decision.conditions)
    status: dict[str, Any] = {
        "observedGeneration": body["metadata"]["generation"],
        "currentReplicas": before,
        "desiredReplicas": decision.replicas,
        "currentMetrics": [
            _current(metric, proposal)
            for metric, proposal in zip(spec.followed, decision.metrics, strict=False)
            if proposal is not None
        ],
        "conditions": _conditions(old, conditions, now),
    }
    last = _text(now) if decision.replicas != before else old.get("lastScaleTime")
    return status | ({"lastScaleTime": last} if last else {})


def out_of_reach(body: Body, target: Key, now: datetime) -> dict[str, Any]:
    """The status of an autoscaler whose target is not there."""
    word = Word(
        "FailedGetScale", f"the HPA controller was unable to get the target's current scale: {target}"
    )
    old = body.get("status") or {}
    return {**old, "conditions": _conditions(old, {Condition.ABLE_TO_SCALE: Verdict(False, word)}, now)}


def _current(metric: MetricSpec, proposal: Proposal) -> dict[str, Any]:
    current = {n: format_quantity(v) if isinstance(v, Decimal) else v for n, v in proposal.current.items()}
    said = metric.said.written()
    said.pop("target")
    return {"type": metric.type, metric.type.lower(): said | {"current": current}}


def _conditions(old: Body, new: Mapping[Condition, Verdict], now: datetime) -> list[dict[str, Any]]:
    """The conditions: those that are new, the others as they were; each since its status last changed."""
    conditions = {each["type"]: each for each in old.get("conditions", ())}
    for kind, verdict in new.items():
        status, before = str(verdict.holds), conditions.get(kind.value)
        since = before["lastTransitionTime"] if before and before["status"] == status else _text(now)
        conditions[kind.value] = {
            "type": kind.value,
            "status": status,
            "lastTransitionTime": since,
            "reason": verdict.word.reason,
            "message": verdict.word.text,
        }
    return list(conditions.values())


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
