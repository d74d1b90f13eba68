"""The API server as its verbs: get, list, watch, create, apply, patch, scale, delete.

Owns how each is asked. Must not know why, nor what an object means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Literal, Self

import msgspec
import orjson

from laneway.kubernetes.api.access import Access
from laneway.kubernetes.api.errors import ApiError
from laneway.kubernetes.api.kinds import RESOURCES, Resource
from laneway.kubernetes.api.requests import Request, Requests, open_requests
from laneway.spec.meta import Key

Body = dict[str, Any]
Listed = tuple[list[bytes], str]
PatchType = Literal["merge", "strategic", "json"]
Propagation = Literal["Background", "Foreground", "Orphan"]

FIELD_MANAGER = "laneway"
"""One, for ever: of what another name owns, nothing is taken back, and every write would conflict with it."""
PAGE = 500
LISTS_MAX = 3
URGENT = "Lease"
"""Leadership must not be lost because other requests are slow."""
_PATCH_TYPES: Mapping[PatchType, str] = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "json": "application/json-patch+json",
}
_WRITTEN = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
"""Strict: a field that the cluster does not know is told, not dropped."""


class _ListMeta(msgspec.Struct, rename={"resource_version": "resourceVersion", "more": "continue"}):
    resource_version: str = ""
    more: str = ""


class _List(msgspec.Struct, rename={"api_version": "apiVersion"}):
    metadata: _ListMeta
    items: list[msgspec.Raw] | None = None


_LIST = msgspec.json.Decoder(_List)


class Server:
    """Made by `open`. Every method raises ApiError where it is refused, Unreachable without an answer."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    @classmethod
    @asynccontextmanager
    async def open(cls, access: Access) -> AsyncIterator[Self]:
        """The API server that `access` leads to; the connections end with the context."""
        async with open_requests(access) as requests:
            yield cls(requests)

    @property
    def requests(self) -> Counter[tuple[str, str]]:
        """How many were sent, by verb and kind; each attempt counts."""
        return self._requests.counts

    async def get(self, kind: str, key: Key) -> Body | None:
        """The object, or None where there is none."""
        path = RESOURCES[kind].path(key.namespace, key.name)
        try:
            return _body(await self._send("get", kind, "GET", path))
        except ApiError as error:
            if error.missing:
                return None
            raise

    async def list(
        self, kind: str, namespace: str | None = None, labels: str | None = None, fields: str | None = None
    ) -> Listed:
        """All objects, each as JSON with its kind, and the version of it all. labels, fields: selectors."""
        query = {"limit": str(PAGE)} | selectors(labels, fields)
        for _ in range(LISTS_MAX - 1):
            try:
                return await self._pages(kind, namespace, query)
            except ApiError as error:
                if not error.gone:  # the list has grown too old between two of its pages
                    raise
        return await self._pages(kind, namespace, query)

    def watch(
        self, kind: str, namespace: str | None, query: Mapping[str, str], idle_seconds: float
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The lines of a watch, in pieces as they come. idle_seconds: the longest silence."""
        path = RESOURCES[kind].path(namespace)
        request = Request("watch", kind, "GET", path, {"watch": "1", **query})
        return self._requests.stream(request, idle_seconds)

    async def create(self, body: Body) -> Body:
        """Make the object. Raises ApiError, `conflict` where there is one of that name."""
        kind, key = _named(body)
        path = RESOURCES[kind].path(key.namespace)
        content = orjson.dumps(body)
        return _body(await self._send("create", kind, "POST", path, _WRITTEN, content, repeatable=False))

    async def apply(self, body: Body, *, force: bool = False, subresource: str | None = None) -> Body:
        """Server-side apply: own exactly the fields given. force: also those that others own."""
        kind, key = _named(body)
        path = RESOURCES[kind].path(key.namespace, key.name, subresource)
        query = _WRITTEN | {"force": "true"} if force else _WRITTEN
        content, content_type = orjson.dumps(body), "application/apply-patch+yaml"
        return _body(await self._send("apply", kind, "PATCH", path, query, content, content_type))

    async def patch(
        self, kind: str, key: Key, patch: object, *, subresource: str | None = None, type: PatchType = "merge"
    ) -> Body:
        """Change the object. With `metadata.resourceVersion` in it: only if it is still that version."""
        path = RESOURCES[kind].path(key.namespace, key.name, subresource)
        content, content_type, again = orjson.dumps(patch), _PATCH_TYPES[type], type != "json"
        return _body(
            await self._send("patch", kind, "PATCH", path, _WRITTEN, content, content_type, repeatable=again)
        )

    async def scale(self, kind: str, key: Key, replicas: int) -> str:
        """Set the number of pods, whoever owns the field. Returns the version of the object by then."""
        path = RESOURCES[kind].path(key.namespace, key.name, "scale")
        content = orjson.dumps({"spec": {"replicas": replicas}})
        answer = await self._send("scale", kind, "PATCH", path, _WRITTEN, content, _PATCH_TYPES["merge"])
        return str(_body(answer)["metadata"]["resourceVersion"])

    async def delete(
        self, kind: str, key: Key, *, uid: str | None = None, propagation: Propagation = "Background"
    ) -> bool:
        """Ask for the object's end. uid: of that one, not of another of its name. False: it was not there."""
        path = RESOURCES[kind].path(key.namespace, key.name)
        options: Body = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        try:
            await self._send("delete", kind, "DELETE", path, content=orjson.dumps(options))
        except ApiError as error:
            if error.missing or (uid is not None and error.conflict):
                return False
            raise
        return True

    async def _pages(self, kind: str, namespace: str | None, query: Mapping[str, str]) -> Listed:
        resource = RESOURCES[kind]
        items = []
        more = ""
        while True:
            asked = {**query, "continue": more} if more else query
            page = _LIST.decode(await self._send("list", kind, "GET", resource.path(namespace), asked))
            items += [_typed(resource, bytes(item)) for item in page.items or ()]
            more = page.metadata.more
            if not more:
                return items, page.metadata.resource_version

    async def _send(
        self,
        verb: str,
        kind: str,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        content: bytes | None = None,
        content_type: str = "application/json",
        *,
        repeatable: bool = True,
    ) -> bytes:
        return await self._requests.send(
            Request(verb, kind, method, path, query or {}, content, content_type, repeatable, kind == URGENT)
        )


def selectors(labels: str | None, fields: str | None) -> dict[str, str]:
    """As a query has them. labels: `app=pharmacy,lane`; fields: `metadata.name=x`."""
    asked = {"labelSelector": labels, "fieldSelector": fields}
    return {name: value for name, value in asked.items() if value}


def _named(body: Body) -> tuple[str, Key]:
    metadata = body["metadata"]
    return body["kind"], Key(metadata.get("namespace", ""), metadata["name"])


def _typed(resource: Resource, item: bytes) -> bytes:
    """An object of a list says what it is only where its kind is not the API server's own."""
    if item.startswith((b'{"apiVersion":', b'{"kind":')):
        return item
    return f'{{"apiVersion":"{resource.api_version}","kind":"{resource.kind}",'.encode() + item[1:]


def _body(content: bytes) -> Body:
    decoded: Body = orjson.loads(content)
    return decoded
