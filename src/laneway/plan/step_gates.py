"""The gates of a step: which one is asked now, and what its answer means. Must not know how it is asked.

They are asked one after the other, each once for its step; what they said stands in the release's record.
"""

from __future__ import annotations

from collections.abc import Sequence

from laneway.plan.observed import GateId
from laneway.plan.records import status_of
from laneway.spec.release import GateResult, Release, ReleaseStatus
from laneway.spec.release_policy import Step, StepGate


def next_gate(step: Step, status: ReleaseStatus) -> int | None:
    """Index of the first gate of the step under way that has not passed; None where all have."""
    passed = {result.gate for result in status.gates if result.step == status.step and result.passed}
    return next((index for index in range(len(step.gates)) if index not in passed), None)


def open_approval(steps: Sequence[Step], status: ReleaseStatus) -> int | None:
    """Index of the first gate of the step under way that waits for a person."""
    if status.step >= len(steps):
        return None
    passed = {result.gate for result in status.gates if result.step == status.step and result.passed}
    gates = enumerate(steps[status.step].gates)
    return next((index for index, gate in gates if gate.approval and index not in passed), None)


def gate_id(release: Release, gate: int) -> GateId:
    """Names this try of a gate: what an earlier one said does not count."""
    status = status_of(release)
    return GateId(release.key, status.step_started_at, status.step, gate)


def failed(gate: StepGate, result: GateResult) -> str:
    """Why a release does not go on."""
    return f"its gate, {gate.described}, failed: {result.evidence}"


def passed_only(status: ReleaseStatus) -> tuple[GateResult, ...]:
    """The results without those that failed: these gates are asked again."""
    return tuple(result for result in status.gates if result.passed)
