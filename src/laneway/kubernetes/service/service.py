"""What people ask of Laneway in a cluster: their words into its objects, and what is known out of them.

Owns which objects answer which question. Must not decide anything, nor act: the controller does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import cast

from laneway import __version__
from laneway.api.engine import ConflictError, EventQuery, MissingError, Part
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
from laneway.kubernetes.service import explaining, overview
from laneway.kubernetes.service.applying import Applying, Why
from laneway.kubernetes.service.pods import Pod
from laneway.kubernetes.service.presence import Presence
from laneway.kubernetes.service.resources import Resources
from laneway.kubernetes.service.taken import PATIENCE_SECONDS, Taken
from laneway.kubernetes.service.wants import spec_from
from laneway.kubernetes.service.watched import Watched
from laneway.manifests import names
from laneway.mesh.walk import AtSidecar
from laneway.plan.observed import Role
from laneway.plan.requests import ObjectionError, requested
from laneway.spec.load import KINDS
from laneway.spec.meta import Key, key_of
from laneway.spec.release import Request, Verb
from laneway.spec.world import Spec

SILENT_KINDS = frozenset({"Secret", "ConfigMap"})
"""They are not among `*`: most people may not list them, and nobody wants them by accident."""


class Service:
    """Implements `laneway.api.engine.Engine`. namespaces: to look in, None for all."""

    def __init__(self, access: Access, requests: Requests, namespaces: frozenset[str] | None) -> None:
        self._access = access
        self._server = Server(requests)
        self._watched = Watched(self._server, namespaces)
        self._applying = Applying(requests, Resources(requests))
        self._presence = Presence(self._server)
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
        seen = overview.Seen(objects, extra=(absence,) if absence else ())
        return overview.status(seen, version, self._taken.seen(objects))

    async def changed(self, since: int) -> int:
        """The version of the status as soon as it is greater than `since`."""
        return await self._watched.changed(since)

    async def objects(self, kind: str, namespace: str | None, name: str | None) -> list[Json]:
        """Objects of a kind, or of every kind."""
        kinds = sorted({*KINDS, *DERIVED_KINDS, "Pod"} - SILENT_KINDS) if kind == "*" else [kind]
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

    async def trial(self, objects: Sequence[Json], *, whole: bool = True) -> list[Json]:
        """The objects as they would be stored. Raises RefusedError."""
        return await self._applying.trial(objects, Why("", ""), whole=whole)

    def _changes(self, written: Sequence[Json], changes: list[Change]) -> Changes:
        for body in written:
            if body["kind"] in RESOURCES:
                self._watched.took(body)
        version = self._taken.wrote(written) if written else self._taken.version
        asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._watched.touch)
        return Changes(version=version, objects=changes)

    async def delete(self, objects: Sequence[Reference], by: str, reason: str) -> Changes:
        """Ask for the end of those that there are."""
        gone: list[Change] = []
        for each in objects:
            key = Key(each["namespace"], each["name"])
            body = await self._server.get(each["kind"], key)
            if body is None:
                continue
            if names.managed(body):
                raise ConflictError(f"{each['kind']} {key} is Laneway's own: delete what it comes from")
            if await self._server.delete(each["kind"], key):
                gone.append(_change(body, "deleted"))
                self._watched.forget(each["kind"], key)
        return Changes(version=self._taken.version, objects=gone)

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
        if (now := await self._server.get("Release", release.key)) is not None:
            patch = {
                "metadata": {"resourceVersion": now["metadata"]["resourceVersion"]},
                "spec": {"request": body["spec"]["request"]},
            }
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
        """Walk the rules of the whole mesh."""
        caller = await self._caller(source) if source else None
        lists = await asyncio.gather(*(self._everywhere(kind) for kind in (*explaining.KINDS, "Mesh")))
        asked = explaining.Asked(url, method, headers, caller)
        bodies = [body for of in lists for body in of]
        return await explaining.explained(asked, bodies, lambda space: self._watched.objects("Pod", space))

    async def _everywhere(self, kind: str) -> list[Json]:
        """Objects of all namespaces; where that is not allowed, of those that are looked at."""
        try:
            items, _ = await self._server.list(kind)
        except ApiError as error:
            if error.missing:
                return []
            if not error.forbidden:
                raise
            return await self._watched.objects(kind)
        return [seen(item).body() for item in items]

    async def _caller(self, source: Key) -> AtSidecar:
        """The sidecar of a pod of an App, of its stable version, or of a Deployment. Raises MissingError."""
        pods = [Pod(body) for body in await self._watched.objects("Pod", source.namespace)]
        for kind in ("App", "Deployment"):
            if await self._server.get(kind, source) is None:
                continue
            meant = PodQuery(source.namespace, **{kind.lower(): source.name})
            found = [pod for pod in pods if meant.matches(pod) and names.LANE not in pod.labels]
            return AtSidecar(source.namespace, f"sidecar of {source.name}", found[0].labels if found else {})
        raise MissingError(f"there is neither an App nor a Deployment {source}")

    async def usage(self, namespace: str | None) -> list[PodUsage]:
        """What the pods use."""
        raise NotImplementedError

    async def history(self, query: EventQuery) -> list[Event]:
        """The newest events, oldest first."""
        raise NotImplementedError

    async def logs(self, which: PodQuery, part: Part, tail: int, follow: bool) -> AsyncIterator[LogLine]:
        """Lines of these pods, and of those to come that are meant too."""
        raise NotImplementedError

    async def restart(self, which: PodQuery, by: str, reason: str) -> list[str]:
        """Replace these pods, new ones before old ones."""
        raise NotImplementedError

    async def shutdown(self) -> None:
        """There is nothing to end."""


def _fresh(body: Json) -> Json:
    """An object as it is made."""
    metadata = {name: body["metadata"][name] for name in ("name", "namespace")}
    return body | {"metadata": metadata}


def _change(body: Json, operation: str) -> Change:
    key = key_of(body)
    changed = {"kind": body["kind"], "namespace": key.namespace, "name": key.name, "operation": operation}
    return cast("Change", changed)
