"""The reconcile loop: observe, plan, apply, record, again and again. Must not know any engine."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from laneway.control.changes import Changes, changes
from laneway.control.observe import Body, Facts, Parsed, observe
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


class Loop:
    """Runs passes. One pass decides on one view of the world; what it writes is seen by the next."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._parsed = Parsed()

    def once(self) -> datetime | None:
        """One pass. Returns when the clock alone changes the plan."""
        engine = self._engine
        objects = engine.objects()
        spec, observed = observe(objects, engine.facts(), self._parsed)
        planned, report = plan(spec, observed, engine.now())
        wanted = changes(spec, planned, objects)
        if wanted:
            engine.execute(wanted)
        engine.planned(spec, observed, planned, report)
        return planned.wake

    async def run(self) -> None:
        """Passes until cancelled: one at first, then one after each change or when the clock asks for it."""
        while True:
            await self._engine.changed(self.once())
