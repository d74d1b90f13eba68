"""The world as an engine sees it, as one value. Must not know how it was seen.

Weights are basis points of the app's traffic; a revision is the hash of its pod template.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from laneway.spec.meta import Key
from laneway.spec.release import GateResult, Judged
from laneway.spec.template import Template

Weights = Mapping[str, int]
"""Basis points by revision. They sum to 10,000, or to less by a rounding rest of under one per version."""


class Role(StrEnum):
    """What a kept template is to its app."""

    STABLE = "stable"
    CANDIDATE = "candidate"
    REFUSED = "refused"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Kept:
    """A template that is kept, so that its revision can be rebuilt. folder: that it was applied from."""

    template: Template
    role: Role
    folder: str = ""


@dataclass(frozen=True, slots=True)
class VersionSeen:
    """Pods of one version.

    desired: replicas that its Deployment asks for, 0 without one; pods: those that exist, starting and
    draining ones included; available: ready for traffic; drained: no request in flight needs a pod that is to
    go; asked: replicas that its autoscaler asks for beyond its own minimum, 0 where it asks for no more.
    """

    desired: int = 0
    pods: int = 0
    available: int = 0
    drained: bool = True
    asked: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """The route table of an app as last written: weights by revision, and what its rules name besides.

    lanes: whose versions they lead to; named: revisions without a weight that a header leads to.
    """

    weights: Weights
    lanes: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AppSeen:
    """One app.

    kept: oldest first; written: None while no rules exist; confirmed: every proxy serves `written` and
    nothing older; subsets: revisions whose subset, with its endpoints, every proxy has confirmed;
    listed: those whose subset is written, confirmed or not.
    """

    kept: Mapping[str, Kept] = field(default_factory=dict)
    versions: Mapping[str, VersionSeen] = field(default_factory=dict)
    written: Table | None = None
    confirmed: bool = False
    subsets: frozenset[str] = frozenset()
    listed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LaneAppSeen:
    """A lane's version of an app.

    base: the revision whose template was patched; template: what its pods run; confirmed: every proxy knows
    its Service; folder: as in `Kept`.
    """

    base: str
    template: Template
    version: VersionSeen
    confirmed: bool = False
    folder: str = ""


class GateId(NamedTuple):
    """One try of a step's gate. since: when the step, or its last try, began; step, gate: indices."""

    release: Key
    since: datetime
    step: int
    gate: int


class Side(StrEnum):
    """The two versions that a release compares."""

    CANARY = "canary"
    STABLE = "stable"


class CountsId(NamedTuple):
    """What requests are counted for: a side of a release, since it or its step began or was resumed."""

    release: Key
    since: datetime
    side: Side = Side.CANARY


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests to a revision as its callers saw them.

    errors: answered with 5xx, or with a gRPC status that is the server's fault, or not at all; timed: those
    of which the time is known; within: how many of these took no longer than so many milliseconds; bad: what
    the judge takes for errors, where the App says which codes are; else None.
    """

    requests: int = 0
    errors: int = 0
    timed: int = 0
    within: Mapping[int, int] = field(default_factory=dict)
    bad: int | None = None

    @property
    def judged(self) -> int:
        """Errors, as the judge takes them."""
        return self.errors if self.bad is None else self.bad


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found out about releases: what gates said, what was counted, what judges make of that."""

    results: Mapping[GateId, GateResult] = field(default_factory=dict)
    counts: Mapping[CountsId, Counts] = field(default_factory=dict)
    judged: Mapping[Key, Judged] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observed:
    """The observed world.

    lanes: by lane, then by app name; laggards: proxies that have not confirmed; surging: pods beside the
    bases of apps that are planned elsewhere.
    """

    apps: Mapping[Key, AppSeen] = field(default_factory=dict)
    lanes: Mapping[Key, Mapping[str, LaneAppSeen]] = field(default_factory=dict)
    laggards: tuple[str, ...] = ()
    evidence: Evidence = Evidence()
    surging: int = 0
