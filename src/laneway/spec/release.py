"""Release: a change of one app, made when its template changes, and the record of what happened."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from laneway.spec.app import LanewayVersion
from laneway.spec.meta import DnsLabel, Model, Object


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

    apps: list[ReleaseApp] = Field(min_length=1, max_length=1)
    request: Request | None = None


class ReleaseStatus(Model):
    """The record: written by the planner, never by people. Times in UTC.

    step: index of the step under way; base: pods of the app when the release began (the sizing's base);
    held_since: when every proxy had confirmed the step's weight; superseded_by: set while the old canary
    returns its weight; heard: the request that was taken up last; skipped: index of a step whose hold a
    person has ended.
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
    reason: str = ""


class Release(Object):
    """laneway.dev Release."""

    api_version: LanewayVersion = "laneway.dev/v1alpha1"
    kind: Literal["Release"] = "Release"
    spec: ReleaseSpec
    status: ReleaseStatus | None = None
