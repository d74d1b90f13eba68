"""How a new revision of an App takes over: `App.spec.release`. Must not know where a release stands."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field

from laneway.spec.cohorts import Preview, Sticky
from laneway.spec.meta import Model
from laneway.spec.values import FULL, Duration, Overload, Percent


class Step(Model):
    """A weight that the new version reaches, holds at least `hold`, and leaves at most `limit` after."""

    weight: Percent
    hold: Duration | None = None
    limit: Duration = timedelta(minutes=30)
    on_unsure: Literal["pause", "rollback", "promote"] = "pause"

    @property
    def hold_for(self) -> timedelta:
        """The hold: what was written, else two minutes, and none at the full weight."""
        if self.hold is not None:
            return self.hold
        return timedelta(0) if self.weight == FULL else timedelta(minutes=2)


class Rollback(Model):
    """How an abort moves: `overload` is what stable may carry for a while, of its planned load."""

    overload: Overload = 15_000


class Drain(Model):
    """How the pods of a version that lost its weight go.

    limit: the longest that a request or a stream which is still open is waited for; grace: what the
    application then has from SIGTERM to SIGKILL, instead of its template's terminationGracePeriodSeconds.
    """

    grace: Duration | None = None
    limit: Duration = timedelta(minutes=10)


DEFAULT_STEPS = (Step.model_validate({"weight": 20}), Step.model_validate({"weight": 100}))
"""20 %, validate, the remaining 80 %."""


class ReleasePolicy(Model):
    """How a new revision takes over. Default: 20 %, hold, the remaining 80 % (Halodoc's practice).

    on_new: what becomes of a release when a newer revision comes; keep_old: how long after its promotion the
    version before keeps its pods, so that an undo takes effect at once. It keeps them during the release too.
    """

    unsupported: ClassVar[frozenset[str]] = frozenset({"judge", "ramp", "pin"})

    steps: tuple[Step, ...] = Field(default=DEFAULT_STEPS, min_length=1)
    on_new: Literal["supersede", "queue"] = "supersede"
    preview: Preview | None = None
    sticky: Sticky | None = None
    drain: Drain = Drain()
    keep_old: Duration = timedelta(0)
    rollback: Rollback = Rollback()
