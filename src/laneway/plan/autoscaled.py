"""What autoscalers have to say in a plan: pods and bounds of each version, and how a release's base grows.

Each version has an autoscaler of its own. Must not know what an autoscaler measures.
"""

from __future__ import annotations

from dataclasses import dataclass

from laneway.plan.gates import Move
from laneway.plan.observed import AppSeen
from laneway.plan.records import status_of, with_status
from laneway.plan.situation import Situation
from laneway.plan.sizing import bounds, ceil_div
from laneway.spec.app import App
from laneway.spec.release import Release
from laneway.spec.values import FULL


def is_autoscaled(app: App) -> bool:
    """Whether an autoscaler decides how many pods the app has; without metrics there is none."""
    scale = app.spec.scale
    return bool(scale and scale.max and (scale.metrics or scale.scaled_object is not None))


def grown(app: App, seen: AppSeen, release: Release) -> Release:
    """The release, on more pods where the version of greatest confirmed weight has to have more.

    The others' wishes say nothing of the app as a whole: a share of 5 % is a coarse measure.
    """
    weights = seen.written.weights if seen.written and seen.confirmed else {}
    if not is_autoscaled(app) or not weights:
        return release
    assert app.spec.scale and app.spec.scale.max, "autoscaled"
    greatest = max(weights, key=lambda revision: (weights[revision], revision))
    asked = seen.versions[greatest].asked if greatest in seen.versions else 0
    base = min(asked * FULL // weights[greatest], app.spec.scale.max)
    return with_status(release, base=base) if base > status_of(release).base else release


@dataclass(frozen=True, slots=True)
class Scaled:
    """A version's pods. bounds: of its autoscaler, None without one; carry: the weight these are for."""

    pods: int
    bounds: tuple[int, int] | None = None
    carry: int = FULL


def scaled(app: App, s: Situation, move: Move, revision: str) -> Scaled:
    """The pods of a version once its autoscaler was heard.

    At rest it decides alone. In a release it may ask for more than the plan's size, never for less; the size
    of a version that gives weight away falls with its bounds, whatever its autoscaler last wrote.
    """
    pods, scale = move.pods.get(revision, 0), app.spec.scale
    carry = max(weights.get(revision, 0) for weights in (move.wanted, move.weights, s.written))
    if not pods or not carry or scale is None or scale.max is None or not s.autoscaled:
        return Scaled(pods)
    seen = s.version(revision)
    if s.candidate is None:
        least, most = bounds(carry, s.base, scale.max)
        return Scaled(max(least, min(seen.desired, most)), (least, most), carry)
    most = max(pods, ceil_div(carry * scale.max, FULL))
    wish = seen.desired if revision == s.candidate and not s.aborting else seen.asked
    return Scaled(max(pods, min(wish, most)), (pods, most), carry)
