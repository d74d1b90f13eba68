"""What the daemon offers through its API: people's words into the store, and what is known out of it.

Owns checking what is applied together with what is stored. Must not decide what is safe: the planner does.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict
from typing import cast

from laneway import __version__
from laneway.api.engine import ConflictError, EventQuery, MissingError, Part, RefusedError
from laneway.api.explain import explain
from laneway.api.selection import PodQuery
from laneway.control.observe import SPEC_KINDS, labels_of
from laneway.control.overview import release_status
from laneway.control.status import (
    Change,
    Changes,
    Event,
    Explanation,
    Json,
    LogLine,
    Ping,
    PodUsage,
    Reference,
    ReleaseStatus,
    Status,
)
from laneway.local.engine import LocalEngine
from laneway.local.logs import Source, follow_logs, log_file
from laneway.local.measure.usage import Meter
from laneway.local.pod.pods import Pod
from laneway.local.process import markers
from laneway.local.proxy import gateways
from laneway.local.server import documents
from laneway.local.state import State
from laneway.local.store import Change as Operation
from laneway.manifests import names
from laneway.mesh.walk import AtSidecar
from laneway.plan.observed import Role
from laneway.plan.requests import ObjectionError, requested
from laneway.spec.check import check_objects
from laneway.spec.load import parse, spec_of
from laneway.spec.meta import Key, key_of
from laneway.spec.release import Request, Verb

USAGE_SECONDS = 1.0
"""Over which use is measured for people: short enough to wait for, long enough for a counter of 100 Hz."""


class Service:
    """Implements `laneway.api.engine.Engine`."""

    def __init__(self, state: State, engine: LocalEngine, ending: asyncio.Event) -> None:
        """ending: set when the daemon shall end."""
        self._state = state
        self._engine = engine
        self._store = engine.store
        self._ending = ending
        self._started = engine.now()

    async def ping(self) -> Ping:
        """Who answers."""
        return Ping(
            version=__version__,
            pid=os.getpid(),
            state=str(self._state.path),
            id=self._state.id,
            startedAt=self._started.isoformat(),
        )

    async def apply(self, objects: Sequence[Json], by: str, reason: str) -> Changes:
        """Merge, check all of it, store it as one."""
        objects = [self._sized(body) for body in objects]
        self._check({_named(body): body for body in (*self._of_people(), *objects)})
        done = self._store.apply(objects, reason=reason or "applied", by=by)
        changes = [_change(*_named(body), change) for body, change in zip(objects, done, strict=True)]
        return Changes(version=self._store.resource_version(), objects=changes)

    def _sized(self, body: Json) -> Json:
        """A Deployment that does not say how many pods it has keeps the number that its autoscaler gave it.

        As server-side apply does in Kubernetes: the field is the autoscaler's.
        """
        before = self._store.get(*_named(body)) if body["kind"] == "Deployment" else None
        scalers = self._store.list("HorizontalPodAutoscaler", key_of(body).namespace)
        if before is None or "replicas" in body["spec"] or "replicas" not in before["spec"]:
            return body
        if all(each["spec"]["scaleTargetRef"]["name"] != key_of(body).name for each in scalers):
            return body
        return body | {"spec": body["spec"] | {"replicas": before["spec"]["replicas"]}}

    async def usage(self, namespace: str | None) -> list[PodUsage]:
        """Read the counters of every pod twice."""
        pods = [p for p in self._engine.replicas.pods() if namespace in (None, p.key.namespace)]
        meter = Meter(self._engine.proxies.sidecar_admin, self._engine.now)
        await meter.read(pods)
        await asyncio.sleep(USAGE_SECONDS)
        uses = await meter.read(pods)
        return [documents.usage(pod, uses[pod.key]) for pod in pods]

    async def delete(self, objects: Sequence[Reference], by: str, reason: str) -> Changes:
        """Delete those that there are, where the rest does not need them."""
        named = dict.fromkeys((each["kind"], Key(each["namespace"], each["name"])) for each in objects)
        found = [each for each in named if (body := self._store.get(*each)) and self._of_a_person(body)]
        self._check({_named(body): body for body in self._of_people() if _named(body) not in named})
        with self._store.transaction():
            for kind, key in found:
                self._store.delete(kind, key, reason=reason or "deleted", by=by)
        changes = [_change(kind, key, Operation.DELETED) for kind, key in found]
        return Changes(version=self._store.resource_version(), objects=changes)

    def _of_people(self) -> list[Json]:
        return [body for kind in SPEC_KINDS for body in self._store.list(kind) if not names.managed(body)]

    def _of_a_person(self, body: Json) -> bool:
        """Whether it is what people write; what Laneway derives goes with what it was derived from."""
        if body["kind"] not in SPEC_KINDS or names.managed(body):
            raise ConflictError(f"{body['kind']} {key_of(body)} is Laneway's own: delete what it comes from")
        return True

    def _check(self, bodies: Mapping[tuple[str, Key], Json]) -> None:
        objects = [parse(body) for body in bodies.values()]
        found = check_objects(objects)
        if not any(problem.is_error for problem in found):
            found = tuple(documents.refusal(each) for obj in objects for each in self._engine.refusals(obj))
        if any(problem.is_error for problem in found):
            raise RefusedError([documents.problem(problem) for problem in found])

    async def objects(self, kind: str, namespace: str | None, name: str | None) -> list[Json]:
        """Stored and derived objects of a kind, or of every kind."""
        kinds = self._store.kinds() if kind == "*" else [kind]
        found = [body for each in kinds for body in self._store.list(each, namespace)]
        return [body for body in found if name is None or body["metadata"]["name"] == name]

    async def status(self) -> Status:
        """The document of the newest pass."""
        return await self._engine.status()

    async def changed(self, since: int) -> int:
        """The version of the status as soon as it is greater than `since`."""
        return await self._engine.status_after(since)

    async def request(self, app: Key, verb: Verb, by: str, reason: str) -> ReleaseStatus:
        """Write a person's word on the app's release: the running one, or where none runs (retry, undo)."""
        spec = spec_of([parse(body) for body in self._of_people()])
        if app not in spec.apps:
            there = ", ".join(str(key) for key in sorted(spec.apps)) or "none"
            raise MissingError(f"there is no App {app}; there is {there}")
        asked = Request(verb=verb, at=self._engine.now(), by=by, reason=reason)
        try:
            release = requested(spec, self._kept(app), app, asked)
        except ObjectionError as objection:
            raise ConflictError(str(objection)) from None
        body = release.written()
        if verb is Verb.RETRY:
            body.pop("status")  # it begins with the next pass
        self._store.put(body, reason=asked.described(str(verb)), by=by)
        return release_status(spec, release, app.name)

    def _kept(self, app: Key) -> dict[str, Role]:
        """What each kept template of an app is to it, by revision."""
        found = [labels_of(body) for body in self._store.list("ControllerRevision", app.namespace)]
        return {
            each[names.REVISION]: Role(each[names.ROLE]) for each in found if each.get(names.APP) == app.name
        }

    async def explain(
        self, url: str, method: str, headers: Sequence[tuple[str, str]], source: Key | None
    ) -> Explanation:
        """Walk the rules as the proxies have them."""
        caller = self._caller(source) if source else None
        ports = list(self._engine.proxies.ingress().ports)
        return explain(
            self._engine.proxies.registry, url, method, headers, caller, ports, gateways.INGRESS_LABELS
        )

    def _caller(self, source: Key) -> AtSidecar:
        """The sidecar of a pod of an App, of its stable version, or of a Deployment. Raises MissingError."""
        kinds = [kind for kind in ("App", "Deployment") if self._store.get(kind, source)]
        if not kinds:
            raise MissingError(f"there is neither an App nor a Deployment {source}")
        meant = PodQuery(source.namespace, **{kinds[0].lower(): source.name})
        pods = [pod for pod in self._pods(meant) if names.LANE not in pod.labels]
        labels = pods[0].labels if pods else {}
        return AtSidecar(source.namespace, f"sidecar of {source.name}", labels)

    async def history(self, query: EventQuery) -> list[Event]:
        """The newest events, oldest first."""
        return [documents.event(each) for each in self._store.events(**asdict(query))]

    async def logs(self, which: PodQuery, part: Part, tail: int, follow: bool) -> AsyncIterator[LogLine]:
        """Lines of these pods, and of those to come that are meant too."""
        self._refuse_missing(which)
        return self._lines(which, part, tail, follow)

    async def _lines(self, which: PodQuery, part: Part, tail: int, follow: bool) -> AsyncIterator[LogLine]:
        def sources() -> list[Source]:
            folder = self._state.logs
            return [
                Source(pod.key.name, log_file(folder, pod.key, markers.Part(part)))
                for pod in self._pods(which)
            ]

        async for line in follow_logs(sources, tail, follow):
            yield LogLine(pod=line.name, line=line.text)

    def _pods(self, which: PodQuery) -> list[Pod]:
        return [pod for pod in self._engine.replicas.pods() if which.matches(pod)]

    def _refuse_missing(self, which: PodQuery) -> None:
        """What is named must be there; whether it has pods by now is another matter."""
        for kind, name in (("Lane", which.lane), ("App", which.app), ("Deployment", which.deployment)):
            if name and self._store.get(kind, Key(which.namespace, name)) is None:
                raise MissingError(f"there is no {kind} {which.namespace}/{name}")

    async def restart(self, which: PodQuery, by: str, reason: str) -> list[str]:
        """Replace these pods, new ones before old ones."""
        self._refuse_missing(which)
        found = [pod for pod in self._pods(which) if pod.draining_since is None]
        if not found:
            raise MissingError("there is no such pod")
        self._engine.replicas.renew([pod.key for pod in found], reason or "a restart was asked for", by)
        self._engine.flush()
        return [pod.key.name for pod in found]

    async def shutdown(self) -> None:
        """Begin to end."""
        self._ending.set()


def _named(body: Json) -> tuple[str, Key]:
    return body["kind"], key_of(body)


def _change(kind: str, key: Key, operation: Operation) -> Change:
    changed = {"kind": kind, "namespace": key.namespace, "name": key.name, "operation": operation.value}
    return cast("Change", changed)
