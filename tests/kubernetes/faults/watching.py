"""What must hold after every write, asked of the API server itself.

Owns the invariants of a running cluster: of what is written, not of what was planned. Must not know which
fault there was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from tests.kubernetes.faults.web import Web, is_available, weights_of

from laneway.manifests import names
from laneway.plan.sizing import size
from laneway.spec.meta import Key

RULES = frozenset({"VirtualService", "DestinationRule"})
OVERLOAD = 15_000
"""Of its planned load, what stable may carry in an abort: the default."""


class Watching:
    """Told of each write of one app's controllers; one after another, each may be another process.

    wrong: what did not hold; writes: all but those of the App's own status.
    """

    def __init__(self, web: Web) -> None:
        self.wrong: list[str] = []
        self.writes: list[tuple[str, str, Key]] = []
        self._web = web
        self._before: Mapping[str, float] = {}

    async def __call__(self, verb: str, kind: str, key: Key) -> None:
        """One write has been answered."""
        if kind != "App":
            self.writes.append((verb, kind, key))
        if kind in RULES:
            await self._look(len(self.writes))

    async def _look(self, number: int) -> None:
        key = self._web.key
        found = await self._web.cluster.server.get("VirtualService", key)
        if found is None:
            return
        now = weights_of(found)
        rule = await self._web.cluster.get("DestinationRule", *key)
        subsets = {subset["name"] for subset in rule["spec"]["subsets"]}
        if unknown := now.keys() - subsets:
            self.wrong.append(f"write {number}: the rules name {unknown}, which is in no DestinationRule")
        available = await self._available()
        aborting = any(r["status"]["phase"] == "Aborting" for r in await self._recorded())
        for subset, weight in now.items():
            carried = available.get(subset, 0) * (OVERLOAD if aborting else 10_000) // 10_000
            if weight > self._before.get(subset, 0) and carried < size(
                round(weight * 100), self._web.replicas
            ):
                self.wrong.append(f"write {number}: {subset} is raised to {weight:g} % with {available}")
        self._before = now

    async def _available(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for pod in await self._web.listed("Pod"):
            if is_available(pod) and (revision := pod["metadata"]["labels"].get(names.REVISION)):
                subset = names.subset(revision)
                found[subset] = found.get(subset, 0) + 1
        return found

    async def _recorded(self) -> list[dict[str, Any]]:
        return [each for each in await self._web.releases() if "status" in each]


class Killing:
    """As Watching, and a controller that gets no further than its n-th write. dead: it is there."""

    def __init__(self, watching: Watching, after: int, *, every: bool = False) -> None:
        """every: writes of the App's status count too."""
        self.dead = asyncio.Event()
        self._watching = watching
        self._after = after
        self._every = every
        self._count = 0

    async def __call__(self, verb: str, kind: str, key: Key) -> None:
        """One write has been answered; the last one's answer reaches nobody."""
        await self._watching(verb, kind, key)
        self._count += self._every or kind != "App"
        if self._count >= self._after:
            self.dead.set()
            await asyncio.Event().wait()
