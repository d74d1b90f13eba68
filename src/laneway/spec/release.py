"""Release: a change of one app, or of several that go together, and the record of what happened."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field, field_validator

from laneway.spec.app import LanewayVersion
from laneway.spec.meta import DnsLabel, Model, Object
from laneway.spec.values import Percent


class Phase(StrEnum):
    """Where a release stands."""

    PROGRESSING = "Progressing"
    PAUSED = "Paused"
    ABORTING = "Aborting"
    PROMOTED = "Promoted"
    ROLLED_BACK = "RolledBack"
    SUPERSEDED = "Superseded"

    @property
    def over(self) -> bool:
        """Nothing moves any more because of this release."""
        return self in {Phase.PROMOTED, Phase.ROLLED_BACK, Phase.SUPERSEDED}


class Verb(StrEnum):
    """What a person asks of an app's release: of the running one, or where it is over (retry, undo)."""

    PAUSE = "pause"
    RESUME = "resume"
    SKIP = "skip"
    APPROVE = "approve"
    PROMOTE = "promote"
    ABORT = "abort"
    RETRY = "retry"
    UNDO = "undo"


class Request(Model):
    """A person's or CI's word, with its reason."""

    verb: Verb
    at: datetime
    by: str = ""
    reason: str = ""

    def described(self, done: str) -> str:
        """The request in words. done: what it did, as in `paused`."""
        who = f"{done} by {self.by}" if self.by else f"{done} by request"
        return f"{who}: {self.reason}" if self.reason else who


class ReleaseApp(Model):
    """The app and the revision that it goes to."""

    name: DnsLabel
    revision: str


class ReleaseSpec(Model):
    """What is released, and what was asked of it."""

    apps: list[ReleaseApp] = Field(min_length=1)
    request: Request | None = None

    @field_validator("apps")
    @classmethod
    def _apps_differ(cls, apps: list[ReleaseApp]) -> list[ReleaseApp]:
        if len({app.name for app in apps}) < len(apps):
            raise ValueError("an app is there twice; keep one of the two")
        return apps


class Member(Model):
    """What one of several apps was when their release began: see `ReleaseStatus`."""

    stable: str
    base: int


class GateResult(Model):
    """What a step's gate said. step, gate: indices; evidence: who approved and why, or what was answered."""

    step: int
    gate: int
    passed: bool
    at: datetime
    evidence: str = ""


class Judged(Model):
    """What the judge knew, and remembers.

    outcome, words: its verdict; state: all of its memory, as JSON; excess: bound on how much larger a share
    of the new version's requests fails than of the old one's, None where nothing is known of that.
    """

    at: datetime
    outcome: str
    words: str
    state: str
    excess: float | None = None


class ReleaseStatus(Model):
    """The record: written by the planner, never by people. Times in UTC.

    step: index of the step under way; base: pods of the app when the release began (the sizing's base);
    held_since: when every proxy had confirmed the step's weight; superseded_by: set while the old canary
    returns its weight; heard: the request that was taken up last; skipped: index of a step whose hold a
    person has ended; gates: what the gates of its steps have said; judged: the evidence so far; ramp: the
    weight that it has come to, where it follows the evidence.

    Of several apps: members: by name (stable and base are the first one's); opened_at: when every proxy led
    the requests of either cohort to each app's version of it, from when on the new one is drawn.
    """

    phase: Phase = Phase.PROGRESSING
    step: int = 0
    base: int = 1
    stable: str = ""
    started_at: datetime
    step_started_at: datetime
    held_since: datetime | None = None
    finished_at: datetime | None = None
    superseded_by: str | None = None
    heard: Request | None = None
    skipped: int | None = None
    gates: tuple[GateResult, ...] = ()
    judged: Judged | None = None
    ramp: Percent | None = None
    reason: str = ""
    members: dict[str, Member] = Field(default_factory=dict)
    opened_at: datetime | None = None


class Release(Object):
    """laneway.dev Release."""

    api_version: LanewayVersion = "laneway.dev/v1alpha1"
    kind: Literal["Release"] = "Release"
    spec: ReleaseSpec
    status: ReleaseStatus | None = None
