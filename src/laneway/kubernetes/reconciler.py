"""One pass over some apps of a cluster: look, decide, write, tell.

Owns the order of these. Must not decide what is safe: the planner does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from laneway.control.changes import Changes, Removal
from laneway.control.loop import Pass, decide
from laneway.control.observe import Body, observe
from laneway.control.overview import apps_of, lanes_of
from laneway.kubernetes.api.errors import ApiError
from laneway.kubernetes.conditions import AppReport, app_status, lane_status, leaving_status, view
from laneway.kubernetes.configuration import references
from laneway.kubernetes.deletion import HAND_BACK, RETAIN, policy
from laneway.kubernetes.dialect import Normalised
from laneway.kubernetes.ending import Ending
from laneway.kubernetes.facts import CONFIRMED, Confirmed, Snapshot, rules_wanted, to_come
from laneway.kubernetes.finding_out import FindingOut
from laneway.kubernetes.index import Index
from laneway.kubernetes.interest import Interest
from laneway.kubernetes.pace import pace
from laneway.kubernetes.parsing import Parsing
from laneway.kubernetes.part import Part, part, read_template
from laneway.kubernetes.pass_dialect import Comparing
from laneway.kubernetes.short_holds import ShortHolds
from laneway.kubernetes.surging import Surging
from laneway.kubernetes.telling import Teller, tell
from laneway.kubernetes.template_hold import hold, is_contested, is_held
from laneway.kubernetes.writing import ContestedError, Writer, merge_patch
from laneway.plan.records import is_under_way, status_of
from laneway.plan.result import Plan, Report
from laneway.spec.meta import Key, key_of

LOOK_AGAIN = timedelta(seconds=5)
"""How often what somebody else owns is tried: nobody tells when it is given."""


class Reconciler:
    """Of one cluster."""

    def __init__(
        self,
        index: Index,
        writer: Writer,
        normalised: Normalised,
        confirmed: Confirmed,
        now: Callable[[], datetime],
        gateways: Callable[[], Mapping[Key, Mapping[str, str]]],
        finding_out: FindingOut,
        teller: Teller,
    ) -> None:
        """gateways: the selector of each Gateway."""
        self._index = index
        self._writer = writer
        self._normalised = normalised
        self._ending = Ending(index, writer, confirmed)
        self._confirmed = confirmed
        self._now = now
        self._gateways = gateways
        self._finding_out = finding_out
        self._teller = teller
        self._parsing = Parsing(read_template)
        self._surging = Surging()
        self._short_holds = ShortHolds()
        self._told: dict[tuple[str, Key], datetime] = {}

    def _interest(self, objects: Mapping[str, Iterable[Body]], facts: Snapshot) -> Interest:
        """What these apps want to have confirmed."""
        gateways = self._gateways()
        rules = {key_of(each): rules_wanted(each, gateways) for each in objects["VirtualService"]}
        return Interest(rules, facts.clusters, facts.counted)

    def _interest_to_come(self, found: Part, changes: Changes) -> Interest:
        """What they want once everything is written.

        Rules that are served before they are asked for are taken for old ones that came back, which takes
        long to tell.
        """
        objects = to_come(found.objects, [write.body for write in changes.writes])
        return self._interest(objects, Snapshot(self._index, self._confirmed, objects))

    async def reconcile(
        self, app: Key, interested: Callable[[tuple[Key, ...], Interest], None]
    ) -> datetime | None:
        """One pass over the apps that are planned with this one. Returns when to look again by the clock.

        interested: told what to have confirmed, before anything is decided by it. Raises ApiError,
        Unreachable.
        """
        apps = await self._without_retained(self._index.component(app))
        if not apps:
            return None
        handed_back = [each for each in apps if self._leaves(each, HAND_BACK)]
        for each in handed_back:
            await self._end(each, len(apps) == 1, interested)
        if handed_back:
            return None
        parsed = self._parsing.of_apps(apps)
        found = part(self._index, apps, parsed)
        surging = self._surging.elsewhere(apps)
        facts = Snapshot(self._index, self._confirmed, found.objects, self._finding_out.evidence, surging)
        interest = self._interest(found.objects, facts)
        interested(apps, interest)
        if found.unreadable:
            await self._tell(found, None, ())
            return None
        comparing, now = Comparing(found, self._normalised), self._now()
        spec = self._short_holds.known(found.spec)
        seen = decide(spec, found.objects, facts, parsed, now, comparing.dialect())
        seen = self._short_holds.kept_back(seen, now)
        self._surging.planned(seen)
        self._finding_out.planned(apps, seen)
        await self._keep_configuration(found)
        if any(write.body["kind"] in CONFIRMED for write in seen.changes.writes):
            interested(apps, self._interest_to_come(found, seen.changes))
        try:
            contested = await self._writer.execute(seen.changes)
        except ApiError as error:
            if error.lasting:
                await self._tell(found, seen, [error])
            raise
        tell(self._index, self._teller, seen, [*map(str, contested)], comparing.restored)
        await self._hold_templates(seen)
        await self._drop_configuration(found, seen)
        later = await self._tell(found, seen, contested, comparing.drifted)
        for each in apps:
            await self._finish(each)
        if self._is_settled(seen, contested):
            interested(apps, replace(interest, clusters=frozenset(), counted=frozenset()))
        if not seen.changes and not any(map(is_under_way, spec.releases.values())):
            self._parsing.forget("App", apps[0])
        again = self._look_again(seen, contested)
        return min(filter(None, (seen.planned.wake, later, again)), default=None)

    def _look_again(self, seen: Pass, contested: Collection[ContestedError]) -> datetime | None:
        """When there may be more to do though nothing is heard: a release has ended, and the next begins."""
        if contested:
            return self._now() + LOOK_AGAIN
        ended = any(status_of(record.release).phase.over for record in seen.changes.records)
        return self._now() if ended else None

    def _leaves(self, app: Key, how: str) -> bool:
        seen = self._index.objects["App"][app]
        return seen.deleting and policy(seen.body()) == how

    async def _without_retained(self, apps: tuple[Key, ...]) -> tuple[Key, ...]:
        """The apps without those whose end others hold up: they count as gone, and what serves stays."""
        retained = {each for each in apps if self._leaves(each, RETAIN)}
        for each in retained:
            await self._ending.hold(each)
        return tuple(each for each in apps if each not in retained)

    async def _end(
        self, app: Key, alone: bool, interested: Callable[[tuple[Key, ...], Interest], None]
    ) -> None:
        why = await self._ending.hand_back(app, alone, interested)
        body = self._index.objects["App"].get(app)
        if why and body is not None:
            await self._status("App", app, body.body(), leaving_status(body.body(), why, self._now()))

    async def _finish(self, app: Key) -> None:
        """The finalizer that its deletion needs, and its end once nothing is left."""
        seen = self._index.objects["App"].get(app)
        if seen is None:
            return
        if seen.deleting:
            await self._ending.done(app)
        else:
            await self._ending.hold(app)

    def _is_settled(self, seen: Pass, contested: Iterable[ContestedError]) -> bool:
        """Nothing is to be known any more about clusters: every rule that there shall be stands."""
        apps = seen.observed.apps
        at_rest = all(each.written and each.confirmed and len(each.listed) < 2 for each in apps.values())
        led = all(
            lane.name in table.lanes
            for lane, versions in seen.observed.lanes.items()
            for name in versions
            if (app := apps.get(Key(lane.namespace, name))) and (table := app.written)
        )
        return at_rest and led and not seen.changes and not any(contested)

    def forget(self, kind: str, key: Key) -> None:
        """An App or a Lane is there no longer."""
        self._told.pop((kind, key), None)
        if kind == "Lane":
            self._parsing.lane_gone(key)
        else:
            self._parsing.forget(kind, key)
            self._surging.forget(key)

    def freed(self) -> frozenset[Key]:
        """Apps that may move on since others have become smaller."""
        return self._surging.freed()

    async def _keep_configuration(self, found: Part) -> None:
        """A copy of everything that a template names, before any pod of its revision is made."""
        for app, copies in found.copies.items():
            for copy in copies:
                if self._index.contents.get(copy.kind, copy.key) is None:
                    await self._writer.copy(app, copy)

    async def _drop_configuration(self, found: Part, seen: Pass) -> None:
        """The copies that no kept template of these apps names any more."""
        if seen.changes or not all(each.confirmed for each in seen.observed.apps.values()):
            return
        needed = {copy.key for copies in found.copies.values() for copy in copies}
        for app in seen.planned.apps:
            for version in app.versions:
                named = references(version.template.written())
                needed |= {Key(app.key.namespace, each.name) for each in named}
        for kind, content in self._index.contents.copies(found.apps):
            if content.key not in needed:
                await self._writer.remove(Removal(kind, content.key, "no kept revision reads it"))

    async def _hold_templates(self, seen: Pass) -> None:
        """The template's own pods go once the app serves without them."""
        for planned in seen.planned.apps:
            source = self._index.template(planned.key)
            there = seen.observed.apps.get(planned.key)
            if source is None or there is None or not there.confirmed or not planned.weights:
                continue
            deployment = source.body()
            if is_held(deployment) or is_contested(deployment):
                continue
            reason = f"the template of App {planned.key.name}: its pods are of its revisions"
            await self._writer.patch("Deployment", source.key, hold(deployment), reason)

    async def _tell(
        self,
        found: Part,
        seen: Pass | None,
        contested: Iterable[ContestedError | ApiError],
        drifted: Mapping[Key, list[str]] = MappingProxyType({}),
    ) -> datetime | None:
        """Conditions and numbers of each app, where they differ from what its status says.

        seen: None where nothing was planned. Returns when numbers that changed are told.
        """
        now, later = self._now(), None
        documents = {Key(d["namespace"], d["name"]): d for d in apps_of(view(seen))} if seen else {}
        for app in found.apps:
            body = self._index.objects["App"].get(app)
            if body is None or body.deleting:
                continue
            template = self._index.template(app)
            report = AppReport(
                app=app,
                seen=seen,
                document=documents.get(app),
                contested=tuple(map(str, contested)),
                unreadable=found.unreadable.get(app),
                drifted=tuple(drifted.get(app, ())),
                remarks=self._finding_out.remarks(app, seen) if seen else (),
                template_contested=template is not None and is_contested(template.body()),
            )
            before = body.body()
            due = await self._status("App", app, before, app_status(report, before, now))
            later = min(filter(None, (later, due)), default=None)
        return later

    async def _status(
        self, kind: str, key: Key, before: Mapping[str, Any], status: Mapping[str, Any]
    ) -> datetime | None:
        """Write a status as soon as its pace allows. Returns when it is due otherwise."""
        stored = before.get("status") or {}
        if not merge_patch(stored, status):
            return None
        now = self._now()
        told = self._told.setdefault((kind, key), now)  # a start knows little at first: it is no news
        if now < (due := told + pace(stored, status, len(self._parsing))):
            return due
        self._told[kind, key] = now
        await self._writer.status(kind, key, status, "status")
        return None

    async def tell_lane(self, lane: Key) -> datetime | None:
        """The status of a lane. Returns when to look again by the clock."""
        body, parsed = self._index.objects["Lane"][lane].body(), self._parsing.of_lane(lane)
        names = [
            Key(lane.namespace, name) for name in sorted(self._index.lanes[lane.namespace][lane.name].apps)
        ]
        found = part(self._index, tuple(app for app in names if app in self._index.apps), parsed)
        if lane not in found.spec.lanes:
            return None
        facts = Snapshot(self._index, self._confirmed, found.objects)
        seen = observe(found.spec, found.objects, facts, parsed)
        whole = view(Pass(found.spec, seen, Plan(), Report(), Changes((), (), ())))
        said = next(each for each in lanes_of(whole) if (each["namespace"], each["name"]) == lane)
        if said["ready"] and said["confirmed"]:
            self._parsing.forget("Lane", lane)
        return await self._status("Lane", lane, body, lane_status(said, body, self._now()))
