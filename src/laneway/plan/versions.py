"""What the versions of an app get once its move is decided: pods, subset, bounds; which are kept."""

from __future__ import annotations

from collections.abc import Mapping

from laneway.plan.autoscaled import scaled
from laneway.plan.gates import Move
from laneway.plan.observed import Kept, Role
from laneway.plan.result import VersionPlan
from laneway.plan.situation import Situation
from laneway.spec.app import App

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
    has = scaled(app, s, move, revision)
    subset = bool(has.pods) or _named(s, move, revision)
    return VersionPlan(revision, kept.template, role, has.pods, subset, has.bounds, has.carry, kept.folder)


def _named(s: Situation, move: Move, revision: str) -> bool:
    """Whether a rule, or a pod that still exists, needs the subset: it goes when all proxies are past it."""
    if revision in move.weights or revision == move.reached or s.version(revision).pods:
        return True
    return (
        revision in s.written or revision in s.led_to or (not s.seen.confirmed and revision in s.seen.listed)
    )
