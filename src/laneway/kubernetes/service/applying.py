"""What people write, written to the cluster: as a whole by server-side apply, or what differs by a patch.

Owns the order, who is said to have written it, and that all or nothing is written: everything is tried
without effect first. Must not know what the objects mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from laneway.api.engine import RefusedError
from laneway.control.status import Problem, Reference
from laneway.kubernetes.api.errors import ApiError
from laneway.kubernetes.api.kinds import RESOURCES
from laneway.kubernetes.api.requests import Request, Requests
from laneway.kubernetes.service.refusals import OURS, problem, problems_of
from laneway.kubernetes.service.resources import Resources, UnknownKindError
from laneway.kubernetes.template_hold import HELD, is_held
from laneway.kubernetes.writing import merge_patch
from laneway.spec.defaults import without_server_fields
from laneway.spec.meta import Key, key_of
from laneway.spec.problems import Code

Json = dict[str, Any]

FIELD_MANAGER = OURS
REASON, BY = "laneway.dev/reason", "laneway.dev/by"
"""Annotations of what a command has written: why, and for whom."""

ORDER = (
    "Namespace", "CustomResourceDefinition", "ServiceAccount", "ConfigMap", "Secret", "Mesh", "Service",
    "Release", "Deployment", "Gateway", "ServiceEntry", "Sidecar", "DestinationRule", "VirtualService", "App",
    "Lane",
)  # fmt: skip
"""What others refer to is written first; kinds that are not here come before Services.

A Release comes before the templates that it is of: the controller begins one of its own for a template that
changes and that no Release is waiting for.
"""
_UNKNOWN = ORDER.index("Service")
_APPLY, _MERGE = "application/apply-patch+yaml", "application/merge-patch+json"


@dataclass(frozen=True, slots=True)
class Why:
    """by: who asks; take_over: also what others own."""

    by: str
    reason: str
    take_over: bool = False

    @property
    def annotations(self) -> Json:
        """As they are written."""
        return {name: value for name, value in ((REASON, self.reason), (BY, self.by)) if value}


@dataclass(frozen=True, slots=True)
class _Step:
    """One object. before: as it is stored; body: what is sent there, as a patch or to apply.

    size: of a template that is held at zero, to be noted.
    """

    wanted: Json
    before: Json | None
    path: str
    body: Json
    patch: bool = False
    size: str | None = None


class Applying:
    """To one cluster."""

    def __init__(self, requests: Requests, resources: Resources) -> None:
        self._requests = requests
        self._resources = resources

    async def apply(self, objects: Sequence[Json], why: Why, *, whole: bool = True) -> list[tuple[Json, str]]:
        """Each object as it is then, and what was done: created, configured, unchanged.

        whole: the objects say all that is meant; else each is what is stored, changed, and only what differs
        is written. Raises RefusedError with everything that is wrong; nothing was written then.
        """
        steps, outcomes = await self._tried(objects, why, whole)
        return [await self._done(step, outcome, why) for step, outcome in zip(steps, outcomes, strict=True)]

    async def trial(self, objects: Sequence[Json], why: Why, *, whole: bool = True) -> list[Json]:
        """What would be stored, as far as it can be tried. Raises RefusedError, as `apply` does."""
        steps, outcomes = await self._tried(objects, why, whole)
        return [outcome or step.wanted for step, outcome in zip(steps, outcomes, strict=True)]

    async def stored(self, named: Reference) -> Json | None:
        """The object of that name, None where there is none, or no such kind."""
        api_version = named.get("apiVersion") or RESOURCES[named["kind"]].api_version
        try:
            resource = await self._resources.of({"apiVersion": api_version, "kind": named["kind"]})
        except UnknownKindError:
            return None
        return await self._get(resource.path(named["namespace"], named["name"]), named["kind"])

    async def delete(self, body: Json) -> None:
        """Ask for the end of an object that is stored, of that very one; what is gone already is gone."""
        key, resource = key_of(body), await self._resources.of(body)
        options = {"preconditions": {"uid": body["metadata"]["uid"]}, "propagationPolicy": "Background"}
        content = orjson.dumps({"apiVersion": "v1", "kind": "DeleteOptions", **options})
        path = resource.path(key.namespace, key.name)
        try:
            await self._requests.send(Request("delete", body["kind"], "DELETE", path, content=content))
        except ApiError as error:
            if not (error.missing or error.conflict):
                raise

    async def patch(self, kind: str, key: Key, patch: Json) -> Json:
        """Change a part of an object."""
        return await self._patched(kind, RESOURCES[kind].path(key.namespace, key.name), patch)

    async def _steps(self, objects: Sequence[Json], whole: bool) -> tuple[list[_Step], list[Problem]]:
        """How each is written, those first that others refer to; and what cannot be."""
        for each in objects:
            if each["kind"] == "CustomResourceDefinition":
                self._resources.learn(each)
        steps, problems = list[_Step](), list[Problem]()
        for each in sorted(objects, key=place):
            try:
                steps.append(await self._step(each, whole))
            except UnknownKindError as error:
                remedy = "correct it, or install what defines it"
                problems.append(problem(each, Code.UNKNOWN_KIND, str(error), remedy, "kind"))
            except _ChangedError:
                text = "somebody has changed it in between"
                problems.append(problem(each, Code.CLUSTER_REFUSED, text, "ask again"))
        return steps, problems

    async def _tried(
        self, objects: Sequence[Json], why: Why, whole: bool
    ) -> tuple[list[_Step], list[Json | None]]:
        """What would become of each; None for what needs another one that is not there yet.

        Raises RefusedError.
        """
        steps, problems = await self._steps(objects, whole)
        outcomes: list[Json | None] = []
        made = {step.wanted["metadata"]["name"] for step in steps if step.wanted["kind"] == "Namespace"}
        for step in steps:
            outcome = None
            try:
                outcome = await self._send(step, _annotated(step.body, _written(step.before)), why, dry=True)
            except ApiError as error:
                if not (
                    error.missing
                    and (_namespace(step.wanted) in made or (step.before is None and _is_new(step, steps)))
                ):
                    problems += problems_of(step.wanted, error)
            outcomes.append(outcome)
        if problems:
            raise RefusedError(problems)
        return steps, outcomes

    async def _done(self, step: _Step, outcome: Json | None, why: Why) -> tuple[Json, str]:
        noted = _noted(step.before) == step.size
        if outcome is not None and step.before is not None and noted and _same(step.before, outcome):
            return step.before, "unchanged"
        after = await self._send(step, _annotated(step.body, why.annotations), why)
        if not noted:
            size = {"metadata": {"annotations": {HELD: step.size}}}
            after = await self._patched(step.wanted["kind"], step.path, size)
        return after, "configured" if step.before else "created"

    async def _step(self, wanted: Json, whole: bool) -> _Step:
        key = key_of(wanted)
        path = (await self._resources.of(wanted)).path(key.namespace, key.name)
        before = await self._get(path, wanted["kind"])
        if not whole and before is not None:
            if _was_changed(before, wanted):
                raise _ChangedError
            return _Step(wanted, before, path, _difference(before, wanted), patch=True, size=_noted(before))
        body, size = _sized(wanted, before)
        return _Step(wanted, before, path, body, size=size)

    async def _get(self, path: str, kind: str) -> Json | None:
        try:
            return _body(await self._requests.send(Request("get", kind, "GET", path)))
        except ApiError as error:
            if error.missing:
                return None
            raise

    async def _send(self, step: _Step, body: Json, why: Why, *, dry: bool = False) -> Json:
        query = {"dryRun": "All"} if dry else {}
        if step.patch:
            return await self._patched(step.wanted["kind"], step.path, body, **query)
        if why.take_over:
            query["force"] = "true"
        try:
            return await self._written(step.wanted["kind"], step.path, body, _APPLY, query)
        except ApiError as error:
            if error.managers != {FIELD_MANAGER}:
                raise
        # what was changed by a patch of ours, as by `laneway scale`: the file says it anew
        return await self._written(step.wanted["kind"], step.path, body, _APPLY, {**query, "force": "true"})

    async def _patched(self, kind: str, path: str, patch: Json, **query: str) -> Json:
        return await self._written(kind, path, patch, _MERGE, query)

    async def _written(self, kind: str, path: str, body: Json, how: str, query: Mapping[str, str]) -> Json:
        asked = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict", **query}
        verb = "apply" if how == _APPLY else "patch"
        content = orjson.dumps(body)
        return _body(await self._requests.send(Request(verb, kind, "PATCH", path, asked, content, how)))


def _body(content: bytes) -> Json:
    """An object as people know it."""
    found: Json = orjson.loads(content)
    found["metadata"].pop("managedFields", None)
    return {"apiVersion": found["apiVersion"], "kind": found["kind"], **found}


def place(body: Json) -> int:
    """When it is written, of several: what others refer to comes first."""
    return ORDER.index(body["kind"]) if body["kind"] in ORDER else _UNKNOWN


def _namespace(body: Json) -> str:
    found: str = body["metadata"].get("namespace", "")
    return found


def _is_new(step: _Step, steps: Iterable[_Step]) -> bool:
    """Whether a definition among these makes the kind."""
    group = step.wanted["apiVersion"].rpartition("/")[0]
    return any(
        each.wanted["kind"] == "CustomResourceDefinition" and each.wanted["spec"].get("group") == group
        for each in steps
    )


def _written(before: Json | None) -> Json:
    """Why and for whom it was written before: to try it again is no change."""
    kept = before["metadata"].get("annotations") or {} if before else {}
    return {name: kept[name] for name in (REASON, BY) if name in kept}


def _noted(before: Json | None) -> str | None:
    """The size that is noted of a template that is held at zero."""
    if before is None or before["kind"] != "Deployment" or not is_held(before):
        return None
    found: str | None = (before["metadata"].get("annotations") or {}).get(HELD)
    return found


def _sized(wanted: Json, before: Json | None) -> tuple[Json, str | None]:
    """A template that the controller holds at zero stays so; its file says how many pods it would have."""
    noted = _noted(before)
    if noted is None:
        return wanted, None
    rest = {name: value for name, value in wanted["spec"].items() if name != "replicas"}
    return wanted | {"spec": rest}, str(wanted["spec"].get("replicas", noted))


def _annotated(body: Json, annotations: Json) -> Json:
    if not annotations:
        return body
    metadata = body.get("metadata") or {}
    said = {**(metadata.get("annotations") or {}), **annotations}
    return body | {"metadata": {**metadata, "annotations": said}}


class _ChangedError(Exception):
    """What is to be changed is not what it was when that was decided."""


def _was_changed(before: Json, wanted: Json) -> bool:
    """Whether what people want of it is another than what the change was made of. before: as it is now."""
    known, now = wanted["metadata"].get("generation"), before["metadata"].get("generation")
    return known is not None and known != now


def _difference(before: Json, wanted: Json) -> Json:
    """The merge patch that makes a stored object what it shall be."""
    metadata: Json = {}
    patch: Json = {"metadata": metadata}
    for name in ("labels", "annotations"):
        if changed := merge_patch(before["metadata"].get(name) or {}, wanted["metadata"].get(name) or {}):
            metadata[name] = changed
    if changed := merge_patch(before["spec"], wanted["spec"]):
        patch["spec"] = changed
    return patch


def _same(before: Json, after: Json) -> bool:
    return without_server_fields(before) == without_server_fields(after)
