"""Leadership by a Lease: one of several processes acts, and another takes over when it ends or falls silent.

Owns that two never lead at once, as far as clocks run: who cannot renew in time ends its work before another
may begin. Must not know what the leader does.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import anyio

from laneway.kubernetes.api.errors import ApiError, Unreachable
from laneway.kubernetes.api.kinds import RESOURCES
from laneway.kubernetes.api.reflector import Reflector
from laneway.kubernetes.api.seen import Seen, seen
from laneway.kubernetes.api.server import Body, Server
from laneway.spec.meta import Key

log = logging.getLogger(__name__)
RELEASE_SECONDS_MAX = 3.0
HURRY = 4
"""So many times sooner is a renewal tried again that failed."""
_LEASE = RESOURCES["Lease"]


class LeadershipLostError(Exception):
    """Another may lead from now on."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Seconds. lasts: so long do others wait for a renewal; renew_within: who got none leads no more.

    What lies between the two is the time that the work has to end. retry: between two renewals.
    """

    lasts: float = 15.0
    renew_within: float = 10.0
    retry: float = 2.0

    def __post_init__(self) -> None:
        if not 0 < self.retry < self.renew_within < self.lasts:
            raise ValueError(
                "a renewal must be tried sooner than it is missed, and missed before the lease ends"
            )


@dataclass(frozen=True, slots=True)
class Holding:
    """A Lease as it was seen. holder: empty where nobody is; seen_at: when this version was first seen."""

    version: str
    holder: str
    lasts: float
    transitions: int
    seen_at: float

    def free_at(self, identity: str) -> float:
        """From when on it may be taken, on our own clock: those of others are never compared with it."""
        return -math.inf if self.holder in ("", identity) else self.seen_at + self.lasts


def holding(body: Body, seen_at: float) -> Holding:
    """What a Lease says."""
    spec = body.get("spec") or {}
    return Holding(
        version=body["metadata"]["resourceVersion"],
        holder=spec.get("holderIdentity") or "",
        lasts=float(spec.get("leaseDurationSeconds") or 0),
        transitions=spec.get("leaseTransitions") or 0,
        seen_at=seen_at,
    )


class Leader:
    """One candidate. Made in a running event loop, whose clock is the one that counts."""

    def __init__(
        self,
        server: Server,
        namespace: str,
        name: str,
        identity: str,
        *,
        terms: Terms | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """identity: of this process and of no other. now: only written for people to read."""
        self._server = server
        self._key = Key(namespace, name)
        self._identity = identity
        self._terms = terms or Terms()
        self._now = now
        self._jitter = jitter
        self._time = asyncio.get_running_loop().time
        self._held: Holding | None = None
        self._renewed_at = -math.inf

    @property
    def leads(self) -> bool:
        """Whether nobody else may lead at this moment; to be asked before what must not be done twice."""
        return self._held is not None and self._time() < self._renewed_at + self._terms.renew_within

    @asynccontextmanager
    async def leading(self) -> AsyncIterator[None]:
        """Wait for leadership, have it while the body runs, give it back.

        Raises LeadershipLostError when it is lost; the body has been cancelled then.
        """
        await self._acquire()
        log.info("%s leads by lease %s", self._identity, self._key)
        body = anyio.CancelScope()
        keeping = asyncio.create_task(self._keep(body))
        try:
            with body:
                yield
            if body.cancelled_caught:
                raise LeadershipLostError(await keeping)
        finally:
            keeping.cancel()
            with anyio.move_on_after(RELEASE_SECONDS_MAX, shield=True):
                await asyncio.wait({keeping})
                await self._release()

    async def _acquire(self) -> None:
        changed = asyncio.Event()
        watched = Reflector(
            self._server,
            "Lease",
            seen,
            lambda *_: changed.set(),
            namespace=self._key.namespace,
            fields=f"metadata.name={self._key.name}",
            jitter=self._jitter,
        )
        async with anyio.create_task_group() as group:
            group.start_soon(watched.run)
            await watched.synced()
            found: Holding | None = None
            while True:
                changed.clear()
                found = self._read(watched.objects.get(self._key), found)
                wait = self._terms.retry
                if found is not None and self._time() < found.free_at(self._identity):
                    wait = found.free_at(self._identity) - self._time()
                elif await self._take(found):
                    break
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await changed.wait()
            group.cancel_scope.cancel()

    def _read(self, lease: Seen | None, before: Holding | None) -> Holding | None:
        """The Lease as the watch has it; one that has not changed was seen when it was first seen."""
        if lease is None:
            return None
        if before is not None and lease.resource_version == before.version:
            return before
        return holding(lease.body(), self._time())

    async def _take(self, found: Holding | None) -> bool:
        """Whether it is ours now. found: as the Lease must still be; None: there must be none."""
        at, moment = self._time(), self._moment()
        taken = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": math.ceil(self._terms.lasts),
            "acquireTime": moment,
            "renewTime": moment,
            "leaseTransitions": 0 if found is None else found.transitions + 1,
        }
        try:
            async with asyncio.timeout(self._terms.renew_within / 2):
                body = await (self._create(taken) if found is None else self._write(found, taken))
        except (ApiError, Unreachable, TimeoutError) as error:
            if not (isinstance(error, ApiError) and error.conflict):
                log.warning("lease %s was not taken: %s", self._key, error or "no answer")
            return False
        self._held, self._renewed_at = holding(body, at), at
        return True

    async def _keep(self, body: anyio.CancelScope) -> str:
        """Renew until that fails, then end the body. Returns why."""
        try:
            wait = self._terms.retry
            while True:
                async with asyncio.timeout_at(self._renewed_at + self._terms.renew_within):
                    await asyncio.sleep(wait)
                    renewed = await self._renew()
                wait = self._terms.retry if renewed else self._terms.retry / HURRY
        except TimeoutError:
            return f"lease {self._key} could not be renewed in time"
        except LeadershipLostError as error:
            return str(error)
        finally:
            body.cancel()

    async def _renew(self) -> bool:
        """One attempt. Raises LeadershipLostError."""
        try:
            async with asyncio.timeout(self._terms.renew_within / 2):
                at = self._time()
                written = await self._write_ours({"renewTime": self._moment()})
        except (ApiError, Unreachable, TimeoutError) as error:
            log.warning("lease %s was not renewed: %s", self._key, error or "no answer")
            return False
        self._held, self._renewed_at = holding(written, at), at
        return True

    async def _release(self) -> None:
        """Let another take it at once. Where that fails, it waits until ours has run out."""
        if self._held is None:
            return
        try:
            await self._write_ours(
                {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": self._moment()}
            )
        except (ApiError, Unreachable, LeadershipLostError) as error:
            log.warning("lease %s was not given back: %s", self._key, error)
        self._held = None

    async def _write_ours(self, spec: Body) -> Body:
        """Write what we hold. Whose version is not known, after an answer that never came, is read first.

        Raises LeadershipLostError where we do not hold it any more.
        """
        if self._held is None:
            raise LeadershipLostError(f"lease {self._key} is not ours")
        try:
            return await self._write(self._held, spec)
        except ApiError as error:
            if not (error.conflict or error.missing):
                raise
        body = await self._server.get("Lease", self._key)
        self._held = None if body is None else holding(body, self._time())
        if self._held is None or self._held.holder != self._identity:
            self._held = None
            raise LeadershipLostError(f"lease {self._key} was taken by another, or deleted")
        return await self._write(self._held, spec)

    async def _create(self, spec: Body) -> Body:
        metadata = {"namespace": self._key.namespace, "name": self._key.name}
        return await self._server.create(
            {"apiVersion": _LEASE.api_version, "kind": "Lease", "metadata": metadata, "spec": spec}
        )

    async def _write(self, found: Holding, spec: Body) -> Body:
        """Change the Lease, if it is still as it was found."""
        changed = {"metadata": {"resourceVersion": found.version}, "spec": spec}
        return await self._server.patch("Lease", self._key, changed)

    def _moment(self) -> str:
        return self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
