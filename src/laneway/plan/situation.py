"""One app at the moment of planning: what the gates look at. Must not decide anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from laneway.plan.observed import AppSeen, VersionSeen, Weights
from laneway.spec.meta import Key
from laneway.spec.values import FULL

UNSEEN = VersionSeen()


@dataclass(frozen=True, slots=True)
class Together:
    """How far the apps of one release move as one. Candidates' weights, in basis points.

    least, most: of what each would have by itself; forced: what each has now, since a version died somewhere;
    opened: requests of the new cohort can reach each app's new version.
    """

    least: int
    most: int
    forced: int | None
    opened: bool


@dataclass(frozen=True, slots=True)
class Situation:
    """An app in its release, or at rest.

    candidate: the revision that is released, None at rest; base, surge: pods; overload: basis points of
    stable's planned load; aborting: weight goes back to stable; autoscaled: at rest, another decides how many
    pods there are; asked_for: requests may ask for the candidate by header or cookie; laggards: proxies that
    have not confirmed; cohort: the release of several apps that this one is in (namespace.name),
    else empty; bounds: of that release, once each app's own move is known.
    """

    key: Key
    seen: AppSeen
    stable: str
    candidate: str | None
    base: int
    surge: int
    overload: int
    aborting: bool
    autoscaled: bool = False
    asked_for: bool = False
    laggards: tuple[str, ...] = ()
    cohort: str = ""
    bounds: Together | None = None
    warm: Mapping[str, int] = field(default_factory=dict)

    @property
    def written(self) -> Weights:
        """The weights last written; everything on stable while no rules exist."""
        return self.seen.written.weights if self.seen.written else {self.stable: FULL}

    @property
    def named(self) -> frozenset[str]:
        """Revisions that the rules last written lead to by header alone."""
        return self.seen.written.named if self.seen.written else frozenset()

    def is_named(self, revision: str) -> bool:
        """Whether the rules last written lead to a revision: by weight, or by header alone."""
        return revision in self.written or revision in self.named

    @property
    def led_to(self) -> frozenset[str]:
        """Revisions that a rule leads to without a weight, as long as the release runs."""
        return self.named | {self.stable} if self.cohort else self.named

    def version(self, revision: str) -> VersionSeen:
        """What was seen of a revision; nothing at all where it was not seen."""
        return self.seen.versions.get(revision, UNSEEN)

    def pods_beyond(self, planned: Mapping[str, int]) -> int:
        """Pods that exist, draining ones included, or are asked for, beyond those planned by revision."""
        return sum(
            max(0, seen.pods - planned.get(revision, 0), seen.desired - planned.get(revision, 0))
            for revision, seen in self.seen.versions.items()
        )
