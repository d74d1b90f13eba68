"""What the versions of an app get once its move is decided: pods, subset, bounds; which are kept."""

from __future__ import annotations

from collections.abc import Mapping

from laneway.plan.gates import Move
from laneway.plan.observed import Kept, Role
from laneway.plan.result import VersionPlan
from laneway.plan.situation import Situation
from laneway.plan.sizing import bounds
from laneway.spec.app import App
from laneway.spec.values import FULL

RETIRED_KEPT = 5
"""Templates that an app keeps besides those in use, so that an older revision can be rebuilt."""


def versions(
    app: App, s: Situation, move: Move, kept: Mapping[str, Kept], roles: Mapping[str, Role],
    lane_bases: frozenset[str],
) -> tuple[VersionPlan, ...]:  # fmt: skip
    """Every version that stays, oldest first. lane_bases: revisions that lanes are made of."""
    planned = [
        _version(app, s, move, revision, template, roles[revision]) for revision, template in kept.items()
    ]
    unused = [v for v in planned if v.role is Role.RETIRED and not v.subset and v.revision not in lane_bases]
    dropped = {version.revision for version in unused[: max(0, len(unused) - RETIRED_KEPT)]}
    return tuple(version for version in planned if version.revision not in dropped)


def _version(app: App, s: Situation, move: Move, revision: str, kept: Kept, role: Role) -> VersionPlan:
    pods = move.pods.get(revision, 0)
    limits = _bounds(app, s, move, revision) if pods else None
    if limits and s.autoscaled and s.candidate is None:
        pods = max(limits[0], min(s.version(revision).desired, limits[1]))
    return VersionPlan(revision, kept.template, role, pods, bool(pods) or _named(s, move, revision), limits)


def _named(s: Situation, move: Move, revision: str) -> bool:
    """Whether a rule, or a pod that still exists, needs the subset: it goes when all proxies are past it."""
    if revision in move.weights or revision == move.reached or s.version(revision).pods:
        return True
    return (
        revision in s.written or revision in s.named or (not s.seen.confirmed and revision in s.seen.subsets)
    )


def _bounds(app: App, s: Situation, move: Move, revision: str) -> tuple[int, int] | None:
    scale = app.spec.scale
    if scale is None or scale.max is None or not s.autoscaled:
        return None
    if revision in s.warm:
        return bounds(FULL, s.warm[revision], scale.max)
    carry = max(move.wanted.get(revision, 0), move.weights.get(revision, 0), s.written.get(revision, 0))
    return bounds(carry, s.base, scale.max)
