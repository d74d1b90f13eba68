"""What a walk through a cluster's mesh is read from: rules of all namespaces, pods where the way leads.

Must not know how rules are matched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from laneway.api.engine import MissingError
from laneway.api.selection import PodQuery
from laneway.control.status import Explanation
from laneway.kubernetes.api.errors import ApiError
from laneway.kubernetes.api.seen import seen
from laneway.kubernetes.api.server import Server
from laneway.kubernetes.service.explaining import KINDS, Asked, explained
from laneway.kubernetes.service.pods import Pod
from laneway.kubernetes.service.watched import Watched
from laneway.manifests import names
from laneway.mesh.walk import AtSidecar
from laneway.spec.meta import Key

Json = dict[str, Any]


class Walking:
    """Of one cluster."""

    def __init__(self, server: Server, watched: Watched) -> None:
        self._server = server
        self._watched = watched

    async def explained(
        self, url: str, method: str, headers: Sequence[tuple[str, str]], source: Key | None
    ) -> Explanation:
        """The way of a request. Raises MissingError where there is neither an App nor a Deployment."""
        caller = await self._caller(source) if source else None
        lists = await asyncio.gather(*(self._everywhere(kind) for kind in (*KINDS, "Mesh")))
        bodies = [body for of in lists for body in of]
        asked = Asked(url, method, headers, caller)
        return await explained(asked, bodies, lambda space: self._watched.objects("Pod", space))

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
