"""The engine for one machine: what the loop sees and does, told on to proxies, replicas and the store.

Owns when things are told to each other. Must not decide what is safe: the planner does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from sqlalchemy.exc import DBAPIError

from laneway.control.changes import Changes as Wanted
from laneway.control.changes import Record
from laneway.control.judging import Judging
from laneway.control.metrics.reader import MetricReader
from laneway.control.observe import SPEC_KINDS, Body, Parsed
from laneway.control.overview import View, overview
from laneway.control.status import Finding, Isolation, Json, Status
from laneway.control.status import Proxies as ProxyStatus
from laneway.history.subject import event_about
from laneway.local.cluster_only import cluster_only
from laneway.local.facts import Snapshot
from laneway.local.gate_runs import GateRuns
from laneway.local.measure.counting import Counting
from laneway.local.pod.pods import Pod
from laneway.local.pod.replicas import Replicas
from laneway.local.proxy.proxies import MESH_KINDS, Proxies
from laneway.local.server import limits, troubles
from laneway.local.store import Changed, Store
from laneway.manifests import names
from laneway.mesh.control_plane import ControlPlane
from laneway.mesh.files import unreadable
from laneway.mesh.refusals import Refusal, refusals_of
from laneway.mesh.registry import MeshObject
from laneway.plan.observed import Evidence, Observed, VersionSeen
from laneway.plan.result import Plan, Report
from laneway.spec.app import App
from laneway.spec.meta import Key, Object
from laneway.spec.world import Spec

CONTROLLER = "laneway"
"""Who the history names for what the loop does."""

OBSERVED_KINDS = (*SPEC_KINDS, "ControllerRevision")

PASS_SECONDS_MIN = 0.02
"""From one pass to the next: the first change is looked at at once, a storm of them together."""

AGAIN_SECONDS = 1.0
"""Until what could not be written to the store (a full disk) is tried again."""

log = logging.getLogger(__name__)


class LocalEngine:
    """Implements `control.loop.Engine`. For one event loop."""

    def __init__(
        self,
        store: Store,
        plane: ControlPlane,
        proxies: Proxies,
        isolation: Isolation,
        now: Callable[[], datetime],
    ) -> None:
        self.store = store
        self.plane = plane
        self.proxies = proxies
        self.isolation = isolation
        self.now = now
        self._replicas: Replicas | None = None
        self._gates: GateRuns | None = None
        self._counting: Counting | None = None
        self._judging: Judging | None = None
        self._own_metrics = MetricReader()
        self._parsed = Parsed()
        self._wake = asyncio.Event()
        self._due = asyncio.Event()
        self._deployments_changed = True
        self._unwritten: dict[str, str] = {}
        self._looked_at = 0.0
        self._taken_up = 0
        self._status: Status | None = None
        self._status_version = 0
        self._status_changed = asyncio.Event()

    # --- what happens is told on

    def find_out(
        self, gates: GateRuns, counting: Counting, judging: Judging, own_metrics: MetricReader
    ) -> None:
        """Take what asks gates, counts requests, reads other metrics and judges.

        Without them releases have no evidence.
        """
        self._gates, self._counting, self._judging = gates, counting, judging
        self._own_metrics = own_metrics

    def look_again(self) -> None:
        """Plan again: something was found out."""
        self._wake.set()

    def attach(self, replicas: Replicas) -> None:
        """Take the replicas, which want the engine's callbacks at their own making."""
        self._replicas = replicas
        for kind in MESH_KINDS:
            for body in self.store.list(kind):
                self.proxies.upsert(self._parsed.object(body))
        self.store.subscribe(self._stored)
        self.plane.subscribe(self._confirmation_changed)
        self.flush()

    @property
    def replicas(self) -> Replicas:
        """The replicas; there is nothing to do without them."""
        assert self._replicas is not None, "attach the replicas first"
        return self._replicas

    def pod_changed(self, pod: Pod) -> None:
        """A pod appeared, became ready or not, began to drain, or is gone."""
        self._due.set()

    async def tell(self) -> None:
        """Flush soon after each change, once for everything that happened in that turn; until cancelled."""
        while True:
            await self._due.wait()
            self.flush()

    def flush(self) -> None:
        """Bring the replicas to what the Deployments ask for, tell the proxies, and plan again."""
        self._due.clear()
        if self._deployments_changed:
            self._deployments_changed = False
            self.replicas.set_deployments(self._running_deployments())
        self._written("pods", self.replicas.reconcile, self._due)
        self.proxies.publish(self.replicas.pods())
        self._wake.set()

    def _written(self, what: str, write: Callable[[], None], again: asyncio.Event) -> bool:
        """Whether the store took it. Where not, that is reported, and `again` is set in a while."""
        try:
            write()
        except DBAPIError as error:
            if what not in self._unwritten:
                log.error("%s could not be written: %s", what, error.orig)
            self._unwritten[what] = f"{what} could not be written, and are tried again: {error.orig}"
            asyncio.get_running_loop().call_later(AGAIN_SECONDS, again.set)
            return False
        self._unwritten.pop(what, None)
        return True

    def _confirmation_changed(self) -> None:
        for pod in self.replicas.pods():
            if not pod.ready:
                self.replicas.sidecar_changed(pod.key)
        self._wake.set()

    def _stored(self, changed: Changed) -> None:
        if changed.kind in MESH_KINDS:
            if changed.obj is None:
                self.proxies.delete(changed.kind, changed.key)
            else:
                self.proxies.upsert(self._parsed.object(changed.obj))
        if changed.kind in {"ConfigMap", "Secret"}:
            self.replicas.update_volumes(changed.key.namespace)
        self._deployments_changed |= changed.kind in {"Deployment", "App"}
        if changed.kind != "Pod":
            self._due.set()

    def _running_deployments(self) -> list[Json]:
        """Every Deployment but those that are templates of Apps."""
        apps = self.store.list("App")
        templates = {(a["metadata"]["namespace"], a["spec"]["workload"].get("deployment")) for a in apps}
        deployments = self.store.list("Deployment")
        return [
            body
            for body in deployments
            if names.managed(body)
            or (body["metadata"]["namespace"], body["metadata"]["name"]) not in templates
        ]

    def refusals(self, obj: Object) -> tuple[Refusal, ...]:
        """Why the mesh would refuse an object that is right by itself."""
        if isinstance(obj, App):
            return cluster_only(obj)
        return (*refusals_of(obj), *unreadable(obj)) if isinstance(obj, MeshObject) else ()

    # --- for the loop

    def objects(self) -> dict[str, list[Body]]:
        """Every stored object that planning looks at, by kind."""
        return {kind: list(self.store.list(kind)) for kind in OBSERVED_KINDS}

    def facts(self) -> Snapshot:
        """Pods and confirmations at this moment."""
        self._taken_up = self.store.resource_version()
        self._wake.clear()
        self._looked_at = asyncio.get_running_loop().time()
        return Snapshot(self.replicas.pods(), self.plane.confirmed, self._laggards(), self._evidence())

    def _evidence(self) -> Evidence:
        if self._gates is None or self._counting is None or self._judging is None:
            return Evidence()
        return Evidence(self._gates.results, self._counting.counts, self._judging.judged)

    def _laggards(self) -> tuple[str, ...]:
        return self.plane.laggards(self.plane.generation)

    def execute(self, wanted: Wanted) -> None:
        """Write all of it in one transaction, then tell proxies and replicas."""
        if self._written("decisions", lambda: self._write(wanted), self._wake):
            self.flush()

    def _write(self, wanted: Wanted) -> None:
        with self.store.transaction():
            for record in wanted.records:
                self._record(record)
            for write in wanted.writes:
                self.store.put(write.body, reason=write.reason, by=CONTROLLER)
            for removal in wanted.removals:
                self.store.delete(removal.kind, removal.key, reason=removal.reason, by=CONTROLLER)

    def _record(self, record: Record) -> None:
        release, reason = record.release, record.reason
        body, status = release.written(), release.status
        assert status is not None
        if self.store.get("Release", release.key) is None:
            self.store.put(body, reason=reason, by=CONTROLLER)
            return
        written = status.model_dump(mode="json", by_alias=True, exclude_none=True)
        event = event_about(body, self.now(), status.phase.value.lower(), reason, by=CONTROLLER)
        self.store.put_status("Release", release.key, written, event if record.news else None)

    def planned(self, spec: Spec, observed: Observed, planned: Plan, report: Report) -> None:
        """Keep the pass as the status document, and wake who waits for it; find out what it asks for."""
        if self._gates is not None and self._counting is not None and self._judging is not None:
            self._gates.set(planned.gates)
            self._counting.set(planned.watches)
            self._judging.set(planned.comparisons)
            self._own_metrics.set(planned.comparisons)
        view = View(spec, observed, planned, report, self._workloads(), self._proxies(), self._extra())
        before = self._status
        fresh = overview(
            view, self._status_version, self._taken_up, self.proxies.ingress_urls(), self.isolation
        )
        if before != fresh:
            self._status_version += 1
            self._status = fresh | {"version": self._status_version}
            self._status_changed.set()
            self._status_changed = asyncio.Event()

    def _workloads(self) -> dict[Key, VersionSeen]:
        found: dict[Key, VersionSeen] = {}
        for body in self._running_deployments():
            if names.managed(body):
                continue
            key = Key(body["metadata"]["namespace"], body["metadata"]["name"])
            pods = self.replicas.pods(key)
            wanted = body["spec"].get("replicas", 1)
            found[key] = VersionSeen(wanted, len(pods), sum(pod.ready for pod in pods))
        return found

    def _proxies(self) -> ProxyStatus:
        laggards = list(self._laggards())
        total = self.proxies.counted
        return ProxyStatus(total=total, confirmed=total - len(laggards), laggards=laggards)

    def _extra(self) -> tuple[Finding, ...]:
        pods = self.replicas.pods()
        return (
            *troubles.unwritten(self._unwritten.values()),
            *troubles.refused(self.proxies.refusals()),
            *troubles.closed(self.proxies.closed_servers()),
            *troubles.rejected(self.plane.rejections().items()),
            *troubles.shadowed(self.proxies.registry.shadowed()),
            *troubles.failing(pods),
            *(() if self.replicas.contained else limits.not_enforced(pods)),
        )

    def ingress(self) -> str:
        """URL of the ingress gateway."""
        return self.proxies.ingress_urls()[0]

    async def changed(self, until: datetime | None) -> None:
        """Return when anything changed since the last look at the facts, or at `until`."""
        timeout = None if until is None else max(0.0, (until - self.now()).total_seconds())
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        rest = self._looked_at + PASS_SECONDS_MIN - asyncio.get_running_loop().time()
        if rest > 0:
            await asyncio.sleep(rest)

    async def status(self) -> Status:
        """The document of the newest pass; the first one is waited for."""
        while self._status is None:
            await self._status_changed.wait()
        return self._status

    async def status_after(self, version: int) -> int:
        """The status's version as soon as it is greater than this one."""
        while self._status_version <= version:
            await self._status_changed.wait()
        return self._status_version
