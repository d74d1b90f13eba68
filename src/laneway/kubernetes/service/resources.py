"""Where the API server keeps objects of any kind: what we know, else what it tells.

Must not know what the objects are for.
"""

from __future__ import annotations

from typing import Any

import orjson

from laneway.kubernetes.api.errors import ApiError
from laneway.kubernetes.api.kinds import RESOURCES, Resource
from laneway.kubernetes.api.requests import Request, Requests

Json = dict[str, Any]


class UnknownKindError(Exception):
    """The cluster serves no such kind."""


class Resources:
    """Of one cluster. What is learned is kept."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._found: dict[tuple[str, str], Resource] = {
            (each.api_version, each.kind): each for each in RESOURCES.values()
        }

    async def of(self, body: Json) -> Resource:
        """Where this object is. Raises UnknownKindError, ApiError, Unreachable."""
        version, kind = body["apiVersion"], body["kind"]
        if (version, kind) not in self._found:
            await self._ask(version)
        try:
            return self._found[version, kind]
        except KeyError:
            raise UnknownKindError(f"the cluster has no kind {kind} of {version}") from None

    def learn(self, definition: Json) -> None:
        """The kinds that a CustomResourceDefinition makes, which may not be served yet."""
        spec = definition["spec"]
        for version in spec["versions"]:
            named = spec["names"]
            made = Resource(
                named["kind"], spec["group"], version["name"], named["plural"], spec["scope"] == "Namespaced"
            )
            self._found.setdefault((made.api_version, made.kind), made)

    async def _ask(self, api_version: str) -> None:
        group, _, version = api_version.rpartition("/")
        path = f"/apis/{api_version}" if group else f"/api/{api_version}"
        try:
            told = orjson.loads(await self._requests.send(Request("get", "APIResourceList", "GET", path)))
        except ApiError as error:
            if not error.missing:
                raise
            return
        for each in told["resources"]:
            if "/" not in each["name"]:
                found = Resource(each["kind"], group, version, each["name"], each["namespaced"])
                self._found.setdefault((api_version, each["kind"]), found)
