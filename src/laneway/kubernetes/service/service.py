"""What people ask of Laneway in a cluster: their words into its objects, and what is known out of them.

Owns which objects answer which question. Must not decide anything, nor act: the controller does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import UTC, datetime
from typing import cast

from laneway import __version__
from laneway.api.engine import ConflictError, EventQuery, MissingError, NotOfferedError, Part, RefusedError
from laneway.api.selection import PodQuery
from laneway.control.changes import DERIVED_KINDS
from laneway.control.observe import labels_of
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
    Problem,
    Reference,
    ReleaseStatus,
    Status,
)
from laneway.kubernetes.api.access import Access
from laneway.kubernetes.api.errors import ApiError
from laneway.kubernetes.api.kinds import RESOURCES
from laneway.kubernetes.api.requests import Requests
from laneway.kubernetes.api.seen import seen
from laneway.kubernetes.api.server import Server
from laneway.kubernetes.service import logs, overview, usage
from laneway.kubernetes.service.applying import Applying, Why, place
from laneway.kubernetes.service.checking import missed
from laneway.kubernetes.service.history import History
from laneway.kubernetes.service.ingress import urls
from laneway.kubernetes.service.pods import Pod
from laneway.kubernetes.service.presence import Presence
from laneway.kubernetes.service.reading import read
from laneway.kubernetes.service.resources import Resources
from laneway.kubernetes.service.taken import PATIENCE_SECONDS, Taken
from laneway.kubernetes.service.walking import Walking
from laneway.kubernetes.service.wants import spec_from
from laneway.kubernetes.service.watched import Watched
from laneway.manifests import names
from laneway.plan.observed import Role
from laneway.plan.requests import ObjectionError, requested
from laneway.spec.load import KINDS, Ref
from laneway.spec.meta import Key, key_of
from laneway.spec.naming import ROOT_NAMESPACE
from laneway.spec.release import Request, Verb
from laneway.spec.world import Spec

RESTARTED = "kubectl.kubernetes.io/restartedAt"
"""Annotation of a template; kubectl's own, so that both know of each other's restarts."""
SILENT_KINDS = frozenset({"Secret", "ConfigMap"})
"""They are not among `*`: most people may not list them, and nobody wants them by accident."""


class Service:
    """Implements `laneway.api.engine.Engine`. namespaces: to look in, None for all."""

    def __init__(self, access: Access, requests: Requests, namespaces: frozenset[str] | None) -> None:
        self._access = access
        self._requests = requests
        self._server = Server(requests)
        self._watched = Watched(self._server, namespaces)
        self._applying = Applying(requests, Resources(requests))
        self._ingress: tuple[str, ...] | None = None
        self._presence = Presence(self._server)
        self._history = History(self._server, self._watched)
        self._walking = Walking(self._server, self._watched)
        self._taken = Taken(asyncio.get_running_loop().time)

    def close(self) -> None:
        """Look no longer."""
        self._watched.close()

    async def ping(self) -> Ping:
        """Who answers."""
        return Ping(version=__version__, pid=0, state=self._access.context, id="", startedAt="")

    async def status(self) -> Status:
        """What the controller has written."""
        version = self._watched.version
        lists = await asyncio.gather(*(self._watched.objects(kind) for kind in overview.KINDS))
        objects = dict(zip(overview.KINDS, lists, strict=True))
        absence = await self._presence.absence()
        found = overview.Seen(objects, await self._urls(), extra=(absence,) if absence else ())
        return overview.status(found, version, self._taken.seen(objects))

    async def _urls(self) -> tuple[str, ...]:
        """Where the ingress is reached; asked once, nothing where that may not be known."""
        if self._ingress is None:
            try:
                services, _ = await self._server.list("Service", ROOT_NAMESPACE)
                gateways = await self._watched.objects("Gateway")
                self._ingress = urls([seen(item).body() for item in services], gateways)
            except ApiError as error:
                if not error.forbidden:
                    raise
                self._ingress = ()
        return self._ingress

    async def changed(self, since: int) -> int:
        """The version of the status as soon as it is greater than `since`."""
        return await self._watched.changed(since)

    async def objects(self, kind: str, namespace: str | None, name: str | None) -> list[Json]:
        """Objects of a kind, or of every kind."""
        kinds = sorted({*KINDS, *DERIVED_KINDS, "Pod"} - SILENT_KINDS)
        kinds = kinds if kind == "*" else [kind] if kind in RESOURCES else []
        found = await asyncio.gather(*(self._watched.objects(each, namespace) for each in kinds))
        return [body for of in found for body in of if name in (None, body["metadata"]["name"])]

    async def apply(
        self,
        objects: Sequence[Json],
        by: str,
        reason: str,
        *,
        whole: bool = True,
        take_over: bool = False,
    ) -> Changes:
        """Write them, all or none. Raises RefusedError."""
        done = await self._applying.apply(objects, Why(by, reason, take_over), whole=whole)
        written = [body for body, operation in done if operation != "unchanged"]
        return self._changes(written, [_change(body, operation) for body, operation in done])

    async def trial(
        self, objects: Sequence[Json], *, whole: bool = True, take_over: bool = False
    ) -> list[Json]:
        """The objects as they would be stored. Raises RefusedError."""
        return await self._applying.trial(objects, Why("", "", take_over), whole=whole)

    async def stored(self, objects: Sequence[Json]) -> list[Json]:
        """Those of these objects that there are, as they are stored."""
        return [found for each in objects if (found := await self._applying.stored(_reference(each)))]

    def _changes(self, written: Sequence[Json], changes: list[Change]) -> Changes:
        for body in written:
            if body["kind"] in RESOURCES:
                self._watched.took(body)
        version = self._taken.wrote(written) if written else self._taken.version
        asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._watched.touch)
        return Changes(version=version, objects=changes)

    async def delete(self, objects: Sequence[Reference], by: str, reason: str) -> Changes:
        """Ask for the end of those that there are, where Laneway's other objects do not need them."""
        found = [body for each in objects if (body := await self._applying.stored(each)) is not None]
        for body in found:
            if names.managed(body):
                name = f"{body['kind']} {key_of(body)}"
                raise ConflictError(f"{name} is Laneway's own: delete what it comes from")
        await self._refuse_needed({(body["kind"], key_of(body)) for body in found})
        for body in sorted(found, key=place, reverse=True):
            await self._applying.delete(body)
        gone = [_change(body, "deleted") for body in found]
        return Changes(version=self._taken.version, objects=gone)

    async def _refuse_needed(self, gone: Collection[Ref]) -> None:
        """Raises RefusedError where an App, a Lane or the like would miss one."""
        bodies = [body for body in await self.objects("*", None, None) if not names.managed(body)]
        models = [obj for body in bodies if (obj := read(body)[0]) is not None]
        found = [cast("Problem", each.written()) for each in missed(models, gone) if each.is_error]
        if found:
            raise RefusedError(found)

    async def request(self, app: Key, verb: Verb, by: str, reason: str) -> ReleaseStatus:
        """Write a person's word on the app's release: the running one, or where none runs (retry, undo)."""
        spec = await self._spec(app.namespace)
        if app not in spec.apps:
            there = ", ".join(str(key) for key in sorted(spec.apps)) or "none"
            raise MissingError(f"there is no App {app}; there is {there}")
        asked = Request(verb=verb, at=datetime.now(UTC), by=by, reason=reason)
        try:
            release = requested(spec, await self._kept(app), app, asked)
        except ObjectionError as objection:
            raise ConflictError(str(objection)) from None
        body = release.written()
        body.pop("status", None)  # the controller's; of one to be tried again it begins with the next pass
        if await self._server.get("Release", release.key) is not None:
            # Whatever version it has: an abort must not lose to a status that is written meanwhile.
            patch = {"spec": {"request": body["spec"]["request"]}}
            written = await self._server.patch("Release", release.key, patch)
        else:
            written = await self._server.create(_fresh(body))
        self._changes([written], [])
        return release_status(spec, release, app.name)

    async def _spec(self, namespace: str) -> Spec:
        """What people want in a namespace."""
        lists = await asyncio.gather(*(self._watched.objects(kind, namespace) for kind in overview.KINDS))
        return spec_from(body for of in lists for body in of)

    async def _kept(self, app: Key) -> dict[str, Role]:
        """What each kept template of an app is to it, by revision."""
        kept = await self._watched.objects("ControllerRevision", app.namespace)
        found = [labels_of(body) for body in kept]
        return {
            each[names.REVISION]: Role(each[names.ROLE]) for each in found if each.get(names.APP) == app.name
        }

    async def explain(
        self, url: str, method: str, headers: Sequence[tuple[str, str]], source: Key | None
    ) -> Explanation:
        """Walk the rules of the whole mesh. Raises MissingError."""
        return await self._walking.explained(url, method, headers, source)

    async def usage(self, namespace: str | None) -> list[PodUsage]:
        """What the pods use. Raises NotOfferedError where the cluster does not measure it."""
        spaces = [space for _, space in self._watched.places("Pod", namespace)]
        measured = await asyncio.gather(*(usage.measured(self._requests, space) for space in spaces))
        pods = await self._pods(PodQuery(namespace or ""))
        return usage.usage(pods, (each for of in measured for each in of))

    async def history(self, query: EventQuery) -> list[Event]:
        """The newest events, oldest first: as far as Kubernetes keeps them, and what Releases remember."""
        return await self._history.newest(query)

    async def logs(self, which: PodQuery, part: Part, tail: int, follow: bool) -> AsyncIterator[LogLine]:
        """Lines of these pods, and of those to come that are meant too."""

        async def pods() -> list[Pod]:
            return await self._pods(which)

        async def changed() -> int:
            return await self._watched.changed(self._watched.version)

        if follow:
            return logs.followed(self._requests, pods, changed, part, tail)
        return logs.lines(self._requests, pods, part, tail)

    async def _pods(self, which: PodQuery) -> list[Pod]:
        found = [Pod(body) for body in await self._watched.objects("Pod", which.namespace or None)]
        return [pod for pod in found if which.matches(pod)]

    async def restart(self, which: PodQuery, by: str, reason: str) -> list[str]:
        """Make all pods of these pods' Deployments anew, new ones before old ones."""
        if which.pod:
            raise NotOfferedError(
                "a single pod is not replaced before it ends",
                f"end it: kubectl delete pod -n {which.namespace} {which.pod}",
            )
        pods = [pod for pod in await self._pods(which) if "deletionTimestamp" not in pod.body["metadata"]]
        if not pods:
            raise MissingError("there is no such pod")
        for key in sorted({Key(pod.key.namespace, pod.deployment) for pod in pods if pod.deployment}):
            await self._applying.patch("Deployment", key, restarted(datetime.now(UTC), Why(by, reason)))
        return [pod.key.name for pod in pods]

    async def shutdown(self) -> None:
        """There is nothing to end."""


def restarted(at: datetime, why: Why) -> Json:
    """The patch of a Deployment by which all its pods are made anew."""
    template = {"metadata": {"annotations": {RESTARTED: at.isoformat()}}}
    return {"metadata": {"annotations": why.annotations}, "spec": {"template": template}}


def _fresh(body: Json) -> Json:
    """An object as it is made."""
    metadata = {name: body["metadata"][name] for name in ("name", "namespace")}
    return body | {"metadata": metadata}


def _reference(body: Json) -> Reference:
    key = key_of(body)
    named = Reference(kind=body["kind"], namespace=key.namespace, name=key.name)
    named["apiVersion"] = body["apiVersion"]
    return named


def _change(body: Json, operation: str) -> Change:
    key = key_of(body)
    changed = {"kind": body["kind"], "namespace": key.namespace, "name": key.name, "operation": operation}
    return cast("Change", changed)
