"""The engine for one machine: what the loop sees and does, told on to proxies, replicas and the store.

Owns when things are told to each other. Must not decide what is safe: the planner does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from laneway.control.changes import Changes as Wanted
from laneway.control.observe import SPEC_KINDS, Body, Parsed, managed
from laneway.history.subject import event_about
from laneway.local.facts import Snapshot
from laneway.local.overview import View, overview
from laneway.local.pods import Pod
from laneway.local.proxies import MESH_KINDS, Proxies
from laneway.local.replicas import Replicas
from laneway.local.status import Finding, Json, Status
from laneway.local.status import Proxies as ProxyStatus
from laneway.local.store import Changed, Store
from laneway.mesh.control_plane import ControlPlane
from laneway.plan.observed import Observed, VersionSeen
from laneway.plan.result import Plan, Report
from laneway.spec.meta import Key
from laneway.spec.release import Release
from laneway.spec.world import Spec

CONTROLLER = "laneway"
"""Who the history names for what the loop does."""

OBSERVED_KINDS = (*SPEC_KINDS, "ControllerRevision", "HorizontalPodAutoscaler")


class LocalEngine:
    """Implements `control.loop.Engine`. For one event loop."""

    def __init__(
        self,
        store: Store,
        plane: ControlPlane,
        proxies: Proxies,
        now: Callable[[], datetime],
    ) -> None:
        self.store = store
        self.plane = plane
        self.proxies = proxies
        self.now = now
        self._replicas: Replicas | None = None
        self._parsed = Parsed()
        self._wake = asyncio.Event()
        self._flushing = False
        self._deploying = True
        self._taken_up = 0
        self._status: Status | None = None
        self._status_version = 0
        self._status_changed = asyncio.Event()

    # --- what happens is told on

    def attach(self, replicas: Replicas) -> None:
        """Take the replicas, which want the engine's callbacks at their own making."""
        self._replicas = replicas
        for kind in MESH_KINDS:
            for body in self.store.list(kind):
                self.proxies.upsert(self._parsed.object(body))
        self.store.subscribe(self._stored)
        self.plane.subscribe(self._wake.set)
        self.flush()

    @property
    def replicas(self) -> Replicas:
        """The replicas; there is nothing to do without them."""
        assert self._replicas is not None, "attach the replicas first"
        return self._replicas

    def pod_changed(self, pod: Pod) -> None:
        """A pod appeared, became ready or not, began to drain, or is gone."""
        self.touch()

    def touch(self) -> None:
        """Tell the proxies soon, once for everything that happens in this turn, and plan again."""
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Tell the proxies now, and plan again."""
        self._flushing = False
        if self._deploying:
            self._deploying = False
            self.replicas.set_deployments(self._running_deployments())
            self.replicas.reconcile()
        self.proxies.publish(self.replicas.pods())
        self._wake.set()

    def _stored(self, changed: Changed) -> None:
        if changed.kind in MESH_KINDS:
            if changed.obj is None:
                self.proxies.delete(changed.kind, changed.key)
            else:
                self.proxies.upsert(self._parsed.object(changed.obj))
        self._deploying = self._deploying or changed.kind in {"Deployment", "App"}
        if changed.kind != "Pod":
            self.touch()

    def _running_deployments(self) -> list[Json]:
        """Every Deployment but those that are templates of Apps."""
        apps = self.store.list("App")
        templates = {(a["metadata"]["namespace"], a["spec"]["workload"].get("deployment")) for a in apps}
        deployments = self.store.list("Deployment")
        return [
            body
            for body in deployments
            if managed(body) or (body["metadata"]["namespace"], body["metadata"]["name"]) not in templates
        ]

    # --- for the loop

    def objects(self) -> dict[str, list[Body]]:
        """Every stored object that planning looks at, by kind."""
        return {kind: list(self.store.list(kind)) for kind in OBSERVED_KINDS}

    def facts(self) -> Snapshot:
        """Pods and confirmations at this moment."""
        self._taken_up = self.store.resource_version()
        self._wake.clear()
        return Snapshot(self.replicas.pods(), self.plane.confirmed, self._laggards())

    def _laggards(self) -> tuple[str, ...]:
        return self.plane.laggards(self.plane.generation)

    def execute(self, wanted: Wanted) -> None:
        """Write all of it in one transaction; proxies and replicas hear of it at its end."""
        with self.store.transaction():
            for record in wanted.records:
                self._record(record.release, record.reason)
            for write in wanted.writes:
                self.store.put(write.body, reason=write.reason, by=CONTROLLER)
            for removal in wanted.removals:
                self.store.delete(removal.kind, removal.key, reason=removal.reason, by=CONTROLLER)
        self.flush()

    def _record(self, release: Release, reason: str) -> None:
        body = release.written()
        status = release.status
        assert status is not None
        if self.store.get("Release", release.key) is None:
            self.store.put(body, reason=reason, by=CONTROLLER)
            return
        written = status.model_dump(mode="json", by_alias=True, exclude_none=True)
        event = event_about(body, self.now(), status.phase.value.lower(), reason, by=CONTROLLER)
        self.store.put_status("Release", release.key, written, event)

    def planned(self, spec: Spec, observed: Observed, planned: Plan, report: Report) -> None:
        """Keep the pass as the status document, and wake who waits for it."""
        view = View(spec, observed, planned, report, self._workloads(), self._proxies(), self._extra())
        before = self._status
        fresh = overview(view, self._status_version, self._taken_up, self._ingress())
        if before != fresh:
            self._status_version += 1
            self._status = fresh | {"version": self._status_version}
            self._status_changed.set()
            self._status_changed = asyncio.Event()

    def _workloads(self) -> dict[Key, VersionSeen]:
        found: dict[Key, VersionSeen] = {}
        for body in self._running_deployments():
            if managed(body):
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
        refused = [
            Finding(
                code="Refused", severity="error", namespace=key.namespace, name=key.name, text=str(refusal)
            )
            for key, refusal in self.proxies.refusals()
        ]
        rejected = [
            Finding(code="ProxyRejects", severity="error", namespace="", name=proxy, text=text)
            for proxy, text in self.plane.rejections().items()
        ]
        failing = [
            Finding(
                code=pod.reason,
                severity="warning",
                namespace=pod.key.namespace,
                name=pod.key.name,
                text=f"pod {pod.key.name}: {pod.message or pod.reason}",
            )
            for pod in self.replicas.pods()
            if pod.reason
        ]
        return (*refused, *rejected, *failing)

    def _ingress(self) -> str:
        return f"http://127.0.0.1:{self.proxies.ingress_port}"

    async def changed(self, until: datetime | None) -> None:
        """Return when anything changed since the last look at the facts, or at `until`."""
        timeout = None if until is None else max(0.0, (until - self.now()).total_seconds())
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._wake.wait()

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
