"""The mesh's surge: pods that all releases together may add to their apps' own. Pure.

Derived from what is observed, in every pass anew: a counter would leak. Must not know how an app moves.
"""

from __future__ import annotations

from collections.abc import Mapping

from laneway.plan.observed import AppSeen, Observed
from laneway.plan.records import status_of
from laneway.plan.standing import Standing
from laneway.spec.meta import Key


def beside(seen: AppSeen, base: int) -> int:
    """Pods beside an app's base, draining ones and those that are asked for included."""
    pods = sum(max(version.pods, version.desired) for version in seen.versions.values())
    return max(0, pods - base)


def surges(budget: int | None, standings: Mapping[Key, Standing], observed: Observed) -> dict[Key, int]:
    """By app, the pods that its release may have beside its base now.

    An app keeps what it has. What is left goes to those whose release began first, as much as each may take;
    an app at rest takes nothing.
    """
    bases = {key: standing.size(standing.active) for key, standing in standings.items()}
    own = {key: standing.surge(bases[key]) for key, standing in standings.items()}
    if budget is None:
        return own
    has = {key: beside(standing.seen, bases[key]) for key, standing in standings.items()}
    left = max(0, budget - observed.surging - sum(has.values()))
    allowed = {}
    for key in sorted(standings, key=lambda key: _since(standings[key])):
        takes = max(0, min(left, own[key] - has[key])) if _moves(standings[key]) else 0
        allowed[key] = min(own[key], has[key] + takes)
        left -= takes
    return allowed


def _moves(standing: Standing) -> bool:
    return standing.active is not None or standing.changes


def _since(standing: Standing) -> tuple[bool, str, Key]:
    active = standing.active
    return active is None, status_of(active).started_at.isoformat() if active else "", standing.app.key
