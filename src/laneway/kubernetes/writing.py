"""What a plan changes, written to the cluster: each object by the request that fits it, in safe order.

Owns how an object is written, and what becomes of a write that is refused. Must not decide what is written.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import groupby
from typing import Any

import orjson

from laneway.control.changes import Changes, Record, Removal, Write
from laneway.kubernetes.api.errors import ApiError
from laneway.kubernetes.api.kinds import RESOURCES
from laneway.kubernetes.api.seen import Seen, seen
from laneway.kubernetes.api.server import FIELD_MANAGER, Server
from laneway.kubernetes.configuration import Copy, copied, digest_of
from laneway.kubernetes.dialect import Normalised, covers
from laneway.spec.meta import Key, key_of

log = logging.getLogger(__name__)

STAGES: tuple[frozenset[str], ...] = (
    frozenset({"ControllerRevision", "ConfigMap", "Secret"}),
    frozenset({"Deployment", "Service", "DestinationRule", "PodDisruptionBudget"}),
    frozenset({"HorizontalPodAutoscaler", "ScaledObject"}),
    frozenset({"VirtualService", "Gateway"}),
)
"""What is written before what: a kept template before its pods, bounds with their size, rules last."""

NEVER_BLIND = frozenset({"VirtualService", "DestinationRule"})
"""Written only over what was looked at: who decides by a world that has changed since must look again."""

TAKE_OVER = "laneway.dev/take-over"
"""Annotation by which a person gives an object of theirs to Laneway."""


class ContestedError(Exception):
    """Somebody else owns what was to be written. key, kind: of the object."""

    def __init__(self, kind: str, key: Key, managers: Iterable[str]) -> None:
        self.kind, self.key, self.managers = kind, key, tuple(sorted(managers))
        owners = ", ".join(self.managers) or "another writer"
        super().__init__(
            f"{kind} {key} belongs to {owners}, and stays as it is; let that one go of it, or give it to "
            f"Laneway: kubectl annotate {kind.lower()} -n {key.namespace} {key.name} {TAKE_OVER}=true"
        )


class Writer:
    """Writes to one cluster.

    took: told each object as the API server answered with it, or its kind and key and None where it was
    deleted, before anything else is looked at: the cache must not be older than what was written.
    """

    def __init__(
        self,
        server: Server,
        normalised: Normalised,
        took: Callable[[str, Key, Seen | None], None],
        known: Callable[[str, Key], Seen | None],
        wrote: Callable[[str, str, Key], Awaitable[None]] | None = None,
        serves: Callable[[Key], bool] = lambda app: True,
    ) -> None:
        """known: an object as it is known by now; wrote: awaited after each request (verb, kind, key);

        serves: whether an App has a pod of ours that takes requests.
        """
        self._server = server
        self._normalised = normalised
        self._took = took
        self._known = known
        self._wrote = wrote
        self._serves = serves

    async def execute(self, changes: Changes) -> list[ContestedError]:
        """Write all of it: records first, rules last, removals at the end. Returns what others own.

        Nothing is removed where something could not be written. Raises ApiError and Unreachable.
        """
        for record in changes.records:
            await self.record(record)
        contested: list[ContestedError] = []
        for stage in STAGES:
            found = [write for write in changes.writes if write.body["kind"] in stage]
            contested += await self._all(self._write(write) for write in found)
            if contested:
                return contested
        for _, removals in groupby(changes.removals, key=lambda removal: removal.kind):
            await self._all(self.remove(removal) for removal in removals)
        return contested

    async def _all(self, writes: Iterable[Awaitable[None]]) -> list[ContestedError]:
        """Side by side; each is tried, whatever becomes of the others."""
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
        contested = [each for each in outcomes if isinstance(each, ContestedError)]
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, ContestedError):
                raise outcome
        return contested

    async def record(self, record: Record) -> None:
        """A release's record; the object is made where there is none."""
        release = record.release
        assert release.status is not None
        body = release.written()
        body.pop("status", None)
        if self._known("Release", release.key) is None:
            metadata = {field: body["metadata"][field] for field in ("name", "namespace")}
            await self._create(body | {"metadata": metadata}, record.reason)
        status = release.status.model_dump(mode="json", by_alias=True)
        await self.status("Release", release.key, status, record.reason)

    async def status(self, kind: str, key: Key, status: Mapping[str, Any], reason: str) -> None:
        """The status of an object of ours; only what differs is sent."""
        known = self._known(kind, key)
        before = (known.body().get("status") or {}) if known else {}
        patch = merge_patch(before, status)
        if not patch:
            return
        answer = await self._server.patch(kind, key, {"status": patch}, subresource="status")
        await self._done("status", kind, key, answer, reason)

    async def patch(self, kind: str, key: Key, patch: Mapping[str, Any], reason: str) -> None:
        """A change of a part of an object."""
        await self._done("patch", kind, key, await self._server.patch(kind, key, patch), reason)

    async def copy(self, app: Key, copy: Copy) -> None:
        """A copy of a ConfigMap or Secret. Where that says something else by now, the next pass knows."""
        source = await self._server.get(copy.kind, Key(copy.key.namespace, copy.source))
        if source is not None and digest_of(source) == copy.digest:
            await self._create(copied(app, copy, source), f"what {copy.kind} {copy.source} says is kept")

    async def _write(self, write: Write) -> None:
        body = dict(write.body)
        try:
            await self._request(body, write.reason)
        except ApiError as error:
            raise about(f"{body['kind']} {key_of(body)}", error) from error

    async def _request(self, body: dict[str, Any], reason: str) -> None:
        kind, key = body["kind"], key_of(body)
        before = self._known(kind, key)
        if kind == "Deployment":
            await self._write_deployment(body, before, reason)
        elif before is None and kind in {"ControllerRevision", "HorizontalPodAutoscaler"}:
            await self._create(body, reason)
        elif before is not None and kind == "ControllerRevision":
            said = {name: body["metadata"].get(name) for name in ("labels", "annotations")}
            await self.patch(kind, key, {"metadata": said}, reason)  # its data never change
        else:
            await self._apply(body, reason)

    async def _write_deployment(self, body: dict[str, Any], before: Seen | None, reason: str) -> None:
        """Made with its size; from then on the size goes by the scale subresource alone."""
        key = key_of(body)
        if before is None:
            await self._create(body, reason)
            return
        stored = before.body()
        replicas = body["spec"]["replicas"]
        rest = body | {"spec": {name: value for name, value in body["spec"].items() if name != "replicas"}}
        if not covers(stored, rest) and not self._normalised.same(stored, rest):
            await self._apply(rest, reason)
        if stored["spec"].get("replicas") != replicas:
            version = await self._server.scale("Deployment", key, replicas)
            known = self._known("Deployment", key) or before
            scaled = known.body()
            scaled["spec"]["replicas"] = replicas
            scaled["metadata"]["resourceVersion"] = version
            await self._done("scale", "Deployment", key, scaled, reason)

    async def _create(self, body: dict[str, Any], reason: str) -> None:
        kind, key = body["kind"], key_of(body)
        try:
            answer = await self._server.create(body)
        except ApiError as error:
            if error.conflict and error.reason == "AlreadyExists":
                answer = await self._there(kind, key, error)
            else:
                raise
        await self._done("create", kind, key, answer, reason, body)

    async def _there(self, kind: str, key: Key, error: ApiError) -> dict[str, Any]:
        """The object that is there already: the cache will have it soon; somebody else's is contested."""
        answer = await self._server.get(kind, key)
        if answer is None:
            raise error
        labels = answer["metadata"].get("labels") or {}
        if kind != "Release" and labels.get("app.kubernetes.io/managed-by") != FIELD_MANAGER:
            raise ContestedError(kind, key, ())
        return answer

    async def _apply(self, body: dict[str, Any], reason: str) -> None:
        kind, key = body["kind"], key_of(body)
        known, sent = self._known(kind, key), body
        if kind in NEVER_BLIND and known is not None:
            sent = body | {"metadata": body["metadata"] | {"resourceVersion": known.resource_version}}
        try:
            answer = await self._server.apply(sent)
        except ApiError as error:
            if not error.conflict or not error.managers:
                raise
            if others := error.managers - {FIELD_MANAGER}:
                if not await self._is_given(kind, key):
                    raise ContestedError(kind, key, others) from error
                if kind == "Service" and not self._serves(key):
                    return  # the pods that it selects now serve until there are ours
            answer = await self._server.apply(sent, force=True)
        await self._done("apply", kind, key, answer, reason, body)

    async def _is_given(self, kind: str, key: Key) -> bool:
        """Asked for anew: what is somebody else's is not watched."""
        stored = await self._server.get(kind, key)
        return stored is not None and (stored["metadata"].get("annotations") or {}).get(TAKE_OVER) == "true"

    async def remove(self, removal: Removal) -> None:
        """Delete an object."""
        await self._server.delete(removal.kind, removal.key)
        self._took(removal.kind, removal.key, None)
        log.info("%s %s deleted: %s", removal.kind, removal.key, removal.reason)
        if self._wrote:
            await self._wrote("delete", removal.kind, removal.key)

    async def _done(
        self,
        verb: str,
        kind: str,
        key: Key,
        answer: dict[str, Any],
        reason: str,
        wanted: Mapping[str, Any] | None = None,
    ) -> None:
        answer.setdefault("kind", kind)
        answer.setdefault("apiVersion", RESOURCES[kind].api_version)
        if wanted is not None:
            self._normalised.learn(wanted, answer)
        self._took(kind, key, seen(orjson.dumps(answer)))
        log.info("%s %s, %s: %s", kind, key, verb, reason)
        if self._wrote:
            await self._wrote(verb, kind, key)


def about(what: str, error: ApiError) -> ApiError:
    """The error with what was asked for: of a kind that is missing, the API server does not say which."""
    return ApiError(error.status, error.reason, f"{what}: {error}", error.retry_after, error.causes)


def merge_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What makes `before` become `after`, as RFC 7386 has it; None and what is missing are the same."""
    patch: dict[str, Any] = {}
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            if below := merge_patch(was, now):
                patch[name] = below
        elif was != now:
            patch[name] = now
    return patch
