"""Whether a controller acts in the cluster: who holds its Lease, and since when nobody does.

Must not know what the controller does. Where the Lease may not be read, one is taken to be there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from laneway.control.status import Finding
from laneway.kubernetes.api.errors import ApiError
from laneway.kubernetes.api.server import Server
from laneway.kubernetes.places import LEASE
from laneway.spec.meta import Key
from laneway.spec.naming import ROOT_NAMESPACE
from laneway.spec.problems import Code

Json = dict[str, Any]

KEY = Key(ROOT_NAMESPACE, LEASE)
PATIENCE = timedelta(seconds=30)
"""A Lease that was not renewed for so long has nobody behind it, clocks that differ a little included."""
LOOK_AGAIN = timedelta(seconds=5)


class Presence:
    """Of one cluster."""

    def __init__(self, server: Server, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._server = server
        self._now = now
        self._why: str | None = None
        self._looked: datetime | None = None

    async def absence(self) -> Finding | None:
        """Why nothing that is written has an effect; None where a controller acts. Raises Unreachable."""
        if self._looked is None or self._now() - self._looked >= LOOK_AGAIN:
            self._why = await self._look()
            self._looked = self._now()
        if self._why is None:
            return None
        text = f"{self._why}: what is written stays without effect; {Code.NO_CONTROLLER.remedy}"
        return Finding(code=Code.NO_CONTROLLER.id, severity="error", namespace="", name="", text=text)

    async def _look(self) -> str | None:
        try:
            lease = await self._server.get("Lease", KEY)
        except ApiError as error:
            if error.forbidden:
                return None
            raise
        return absent(lease, self._now())


def absent(lease: Json | None, now: datetime) -> str | None:
    """Why nobody acts, by the Lease; None where somebody does."""
    if lease is None:
        return f"no controller of Laneway has ever led here (there is no Lease {KEY})"
    spec = lease.get("spec") or {}
    if not spec.get("holderIdentity"):
        return f"no controller of Laneway leads (nobody holds Lease {KEY})"
    renewed = datetime.fromisoformat(spec.get("renewTime") or "1970-01-01T00:00:00Z")
    lasts = timedelta(seconds=spec.get("leaseDurationSeconds") or 0)
    if now - renewed > max(lasts, PATIENCE):
        return f"the controller {spec['holderIdentity']} is silent since {renewed:%Y-%m-%d %H:%M:%S} UTC"
    return None
