"""A release whose weight follows the evidence: which weight that is, and in which stages.

It has two stages: the ramp, until the judge promotes, and all requests. Must not know how weights are moved.
"""

from __future__ import annotations

from laneway.analysis.ramp import Ramp as Bounded
from laneway.analysis.ramp import weight as weight_for
from laneway.plan.records import status_of, with_status
from laneway.spec.release import Judged, Phase, Release
from laneway.spec.release_policy import DEFAULT_STEPS, Ramp, ReleasePolicy, Step
from laneway.spec.values import FULL, format_percent

WORTHWHILE = 5, 4
"""A weight is raised by a quarter at least: each raise is new pods, and rules for every proxy."""

_LAST = DEFAULT_STEPS[-1]
_NOW = Step.model_validate({"weight": 100, "hold": "0s"})


def stages(policy: ReleasePolicy, ramp: int | None) -> tuple[Step, ...]:
    """The steps of a release; of a ramp, with the weight that it has come to (basis points)."""
    found = policy.ramp
    if found is None:
        return policy.steps
    here = {"weight": weight_within(found, ramp), "limit": found.limit, "on_unsure": found.on_unsure}
    return _NOW.model_copy(update=here), _LAST


def ramped(ramp: Ramp, release: Release, judged: Judged | None) -> Release:
    """The release with the weight that the evidence allows now.

    It falls at once, and rises once the weight before is confirmed and held, by a worthwhile amount.
    """
    status = status_of(release)
    if status.step or status.phase is not Phase.PROGRESSING:
        return release
    now = weight_within(ramp, status.ramp)
    wanted = _wanted(ramp, judged)
    many, few = WORTHWHILE
    rises = status.held_since is not None and wanted * few >= now * many
    if wanted < now or rises:
        return with_status(release, ramp=wanted, held_since=None)
    return release if status.ramp == now else with_status(release, ramp=now)


def weight_within(ramp: Ramp, weight: int | None) -> int:
    """The weight it has come to, within the bounds as they are written now."""
    return ramp.start if weight is None else min(max(weight, ramp.start), ramp.to)


def _wanted(ramp: Ramp, judged: Judged | None) -> int:
    terms = Bounded(ramp.budget / FULL, ramp.start / FULL, max(ramp.start, ramp.to) / FULL)
    return max(ramp.start, int(weight_for(terms, judged.excess if judged else None) * FULL + 1e-6))


def described(ramp: Ramp, weight: int, judged: Judged | None) -> str:
    """The weight and why it is that."""
    budget = f"{format_percent(ramp.budget)} % of all requests may fail because of it"
    excess = judged.excess if judged else None
    if excess is None:
        return f"begins at {format_percent(weight)} %, for nothing is known of its errors yet; {budget}"
    known = f"at most {100 * excess:.2g} % more of its requests fail than of stable's"
    return f"is at {format_percent(weight)} %: by what is known, {known}, and {budget}"
