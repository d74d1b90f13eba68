"""What planning returns: the Plan, which leaves no choices to its executor, and the Report: why no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from laneway.analysis.configuration import Configuration
from laneway.plan.observed import CountsId, GateId, Role
from laneway.spec.failure_codes import FailureCodes
from laneway.spec.kubernetes import EnvVar
from laneway.spec.meta import Key
from laneway.spec.metric_source import PrometheusSource, WebSource
from laneway.spec.release import Judged, Release
from laneway.spec.release_policy import StepGate
from laneway.spec.template import Template
from laneway.spec.values import FULL


@dataclass(frozen=True, slots=True)
class VersionPlan:
    """A revision of an app: its kept template, and the pods it shall have.

    replicas: pods now (0: no Deployment is needed); subset: whether the DestinationRule names it;
    bounds: of its autoscaler, None without one; carry: the share of the app's load, in basis points, that
    these are for; folder: as in `Kept`.
    """

    revision: str
    template: Template
    role: Role
    replicas: int
    subset: bool
    bounds: tuple[int, int] | None = None
    carry: int = FULL
    folder: str = ""


@dataclass(frozen=True, slots=True)
class LaneRule:
    """Requests with this lane's value go to the version that lane `to` deploys; None: they are refused."""

    lane: str
    value: str
    to: str | None


@dataclass(frozen=True, slots=True)
class Cohort:
    """A release of several apps: what is drawn for a request at one of them holds at the others.

    release: its namespace and name, with a dot between them; candidate: the revision that requests drawn to
    the new side reach, None while it cannot serve yet.
    """

    release: str
    candidate: str | None = None


@dataclass(frozen=True, slots=True)
class AppPlan:
    """One app: its versions, and its route table. weights: basis points by revision, without zeros.

    guard: requests with any lane's header, for which no rule stands, go to stable; candidate: the released
    revision where requests may ask for it (preview) or stay with it (sticky), else None.
    """

    key: Key
    stable: str
    versions: tuple[VersionPlan, ...]
    weights: Mapping[str, int]
    lanes: tuple[LaneRule, ...] = ()
    guard: bool = False
    candidate: str | None = None
    cohort: Cohort | None = None


@dataclass(frozen=True, slots=True)
class LaneVersionPlan:
    """A lane's version of an app: the template of its base revision, with the lane's image and variables."""

    lane: Key
    app: str
    base: str
    template: Template
    replicas: int
    image: str | None = None
    env: tuple[EnvVar, ...] = ()
    folder: str = ""


@dataclass(frozen=True, slots=True)
class GateRun:
    """A command or webhook to ask now. weight: basis points of the revision that is released."""

    id: GateId
    app: Key
    revision: str
    weight: int
    gate: StepGate


@dataclass(frozen=True, slots=True)
class Watch:
    """A revision whose requests are to be counted from now on. codes: what its judge takes for errors."""

    id: CountsId
    app: Key
    revision: str
    codes: FailureCodes | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A metric of one's own: what its source is asked about each side."""

    metric: str
    canary: PrometheusSource | WebSource
    stable: PrometheusSource | WebSource


@dataclass(frozen=True, slots=True)
class Comparison:
    """A release to be judged from now on, by the counts of its arms since it began.

    weight: the canary's, in basis points, as every proxy has confirmed it at `weighed`; None while it moves;
    remembered: the judge's memory as last recorded; asked: the metrics that are not counted from requests;
    codes: what counts as an error, None for what always does.
    """

    release: Key
    since: datetime
    terms: Configuration
    weight: int | None = None
    weighed: datetime | None = None
    remembered: Judged | None = None
    asked: tuple[Asked, ...] = ()
    codes: FailureCodes | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Targets that are safe now.

    gates: to be asked until they have answered; watches: to be counted; comparisons: to be judged by these
    counts; releases: records to write, before
    anything else; expired: lanes to delete; forgotten: releases to delete;
    wake: when the clock alone changes something.
    """

    apps: tuple[AppPlan, ...] = ()
    lanes: tuple[LaneVersionPlan, ...] = ()
    gates: tuple[GateRun, ...] = ()
    watches: tuple[Watch, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    releases: tuple[Release, ...] = ()
    expired: tuple[Key, ...] = ()
    forgotten: tuple[Key, ...] = ()
    wake: datetime | None = None


class Severity(StrEnum):
    """How much a finding matters to its reader."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the Report: a stable code, what it is about, and the sentence that every surface prints."""

    code: str
    subject: Key
    text: str
    severity: Severity = Severity.INFO


@dataclass(frozen=True, slots=True)
class Report:
    """Why the world stays as it is, where it does."""

    findings: tuple[Finding, ...] = field(default_factory=tuple)
