"""The reconcile loop: observe, plan, apply, record, again and again. Must not know any engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from laneway.control.changes import AS_WRITTEN, Changes, Dialect, changes
from laneway.control.observe import Body, Facts, Parsed, observe, wanted
from laneway.plan.observed import Observed
from laneway.plan.planner import plan
from laneway.plan.result import Plan, Report
from laneway.spec.world import Spec


class Engine(Protocol):
    """What makes plans true."""

    def now(self) -> datetime:
        """The time, UTC."""

    def objects(self) -> dict[str, list[Body]]:
        """Every stored object, by kind."""

    def facts(self) -> Facts:
        """What is known beside the objects, at this moment."""

    def execute(self, wanted: Changes) -> None:
        """Do all of it as one, and record why."""

    def planned(self, spec: Spec, observed: Observed, planned: Plan, report: Report) -> None:
        """Told after each pass what was seen and decided."""

    async def changed(self, until: datetime | None) -> None:
        """Return when anything changed since the last call, or at `until`."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What was seen and decided at one moment."""

    spec: Spec
    observed: Observed
    planned: Plan
    report: Report
    changes: Changes


def decide(
    spec: Spec,
    objects: Mapping[str, Iterable[Body]],
    facts: Facts,
    parsed: Parsed,
    now: datetime,
    dialect: Dialect = AS_WRITTEN,
) -> Pass:
    """Everything between looking and acting. objects: as stored, by kind; now: UTC."""
    observed = observe(spec, objects, facts, parsed)
    planned, report = plan(spec, observed, now)
    return Pass(spec, observed, planned, report, changes(spec, planned, objects, dialect))


class Loop:
    """Runs passes. One pass decides on one view of the world; what it writes is seen by the next."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._parsed = Parsed()

    def once(self) -> datetime | None:
        """One pass. Returns when the clock alone changes the plan."""
        engine = self._engine
        objects = engine.objects()
        spec = wanted(objects, self._parsed)
        found = decide(spec, objects, engine.facts(), self._parsed, engine.now())
        if found.changes:
            engine.execute(found.changes)
        engine.planned(found.spec, found.observed, found.planned, found.report)
        return found.planned.wake

    async def run(self) -> None:
        """Passes until cancelled: one at first, then one after each change or when the clock asks for it."""
        while True:
            await self._engine.changed(self.once())
