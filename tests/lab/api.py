"""The lab's own client of the API server: plain, and none of the product's code, which is what is under test.

Owns requests, and where objects of a kind are found. Must not know who is asked about.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import yaml

Object = dict[str, Any]
MANAGER = "lab"
_APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


class ApiError(Exception):
    """The API server refused something."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Api:
    """A connection to an API server as one user."""

    def __init__(self, server: str, authority: Path, token: str) -> None:
        self.server = server
        self._tls = ssl.create_default_context(cafile=str(authority))
        self._token = token
        self._session: aiohttp.ClientSession | None = None
        self._resources: dict[str, dict[str, Object]] = {}

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            self.server,
            headers={"Authorization": f"Bearer {self._token}"},
            connector=aiohttp.TCPConnector(ssl=self._tls),
            timeout=aiohttp.ClientTimeout(total=60),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def request(
        self, method: str, path: str, body: object = None, *, content: str = "application/json", **query: str
    ) -> Object:
        """The answer to one request.

        Raises:
            ApiError: it was refused.
            aiohttp.ClientError: there was no answer.
        """
        if self._session is None:
            raise RuntimeError("the client is used inside `async with`")
        headers = {"Content-Type": content}
        async with self._session.request(method, path, json=body, headers=headers, params=query) as answer:
            if answer.status >= 400:
                raise ApiError(answer.status, await answer.text())
            if answer.content_type != "application/json":
                return {"text": await answer.text()}
            found: Object = await answer.json()
            return found

    async def get(self, path: str, **query: str) -> Object:
        """An object, or a list of them."""
        return await self.request("GET", path, **query)

    async def answers(self, path: str) -> bool:
        """Whether something is served there now."""
        try:
            await self.get(path)
        except (ApiError, aiohttp.ClientError, TimeoutError):
            return False
        return True

    async def lists(self, domain: str) -> list[str]:
        """Where all kinds are listed whose group belongs to a domain, each in the preferred version."""
        groups = [each for each in (await self.get("/apis"))["groups"] if each["name"].endswith(domain)]
        versions = [each["preferredVersion"]["groupVersion"] for each in groups]
        return [
            f"{_group(version)}/{resource['name']}"
            for version in versions
            for resource in (await self._served(version)).values()
        ]

    async def apply(self, wanted: Object, manager: str = MANAGER) -> Object:
        """Have this object, by server-side apply; what others manage in it is taken over."""
        query = {"fieldManager": manager, "force": "true"}
        return await self.request("PATCH", await self.path(wanted), wanted, content=_APPLY, **query)

    async def set_status(self, wanted: Object) -> Object:
        """Have this status of an object that exists."""
        path = f"{await self.path(wanted)}/status"
        return await self.request("PATCH", path, {"status": wanted["status"]}, content=MERGE)

    async def delete(self, wanted: Object) -> None:
        """Have this object no more. It may live on for a while."""
        await self.request("DELETE", await self.path(wanted), {"propagationPolicy": "Background"})

    async def path(self, wanted: Object) -> str:
        """Where an object is, or would be.

        Raises:
            ApiError: its kind is not served, or not yet.
        """
        version, kind = wanted["apiVersion"], wanted["kind"]
        resource = (await self._served(version)).get(kind) or (await self._served(version, anew=True)).get(
            kind
        )
        if resource is None:
            raise ApiError(404, f"no {kind} in {version}")
        namespace = wanted["metadata"].get("namespace", "default")
        within = f"/namespaces/{namespace}" if resource["namespaced"] else ""
        return f"{_group(version)}{within}/{resource['name']}/{wanted['metadata']['name']}"

    async def _served(self, version: str, *, anew: bool = False) -> Mapping[str, Object]:
        if anew or version not in self._resources:
            listed = await self.get(_group(version))
            served = {each["kind"]: each for each in listed["resources"] if "/" not in each["name"]}
            self._resources[version] = served
        return self._resources[version]


def objects(given: str | Object | list[Object]) -> list[Object]:
    """The objects of YAML text, of one object, of several, or of Kubernetes' lists of them."""
    if isinstance(given, str):
        given = [each for each in yaml.load_all(given, Loader=yaml.CSafeLoader) if each]
    every = [given] if isinstance(given, dict) else given
    return [each for one in every for each in (one["items"] if one["kind"].endswith("List") else [one])]


def _group(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"
