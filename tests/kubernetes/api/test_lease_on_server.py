"""Leadership by a Lease of a real API server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from tests.kubernetes.api.running_server import RunningServer, Wire, namespace

from laneway.kubernetes.api.reflector import Reflector
from laneway.kubernetes.api.seen import seen
from laneway.kubernetes.api.server import Server
from laneway.kubernetes.lease import Leader, LeadershipLostError, Terms
from laneway.spec.meta import Key

pytestmark = pytest.mark.cluster
SHORT = Terms(lasts=3, renew_within=1.5, retry=0.3)


class Turns:
    """What happened, in order; only one may lead at a time."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self._changed = asyncio.Condition()

    async def tell(self, what: str) -> None:
        """It happens now."""
        self.told.append(what)
        async with self._changed:
            self._changed.notify_all()

    async def until(self, what: str) -> None:
        """Return when it has happened."""
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(lambda: what in self.told)


@asynccontextmanager
async def candidate(
    server: Server, turns: Turns, key: Key, name: str, terms: Terms
) -> AsyncIterator[asyncio.Event]:
    """One that leads until the event is set."""
    end = asyncio.Event()

    async def run() -> None:
        leader = Leader(server, key.namespace, key.name, name, terms=terms)
        try:
            async with leader.leading():
                await turns.tell(f"{name} leads")
                try:
                    await end.wait()
                finally:
                    await turns.tell(f"{name} ends")
        except LeadershipLostError:
            await turns.tell(f"{name} has lost it")

    task = asyncio.create_task(run())
    try:
        yield end
    finally:
        end.set()
        if f"{name} leads" not in turns.told:
            task.cancel()
        await asyncio.wait({task})


async def test_the_next_one_leads_as_soon_as_the_first_gives_it_back(server: Server) -> None:
    """By hours sooner than its lease would have run out."""
    key = Key(await namespace(server, "handed-over"), "controller")
    turns, long = Turns(), Terms(lasts=7200, renew_within=3600, retry=2)
    async with candidate(server, turns, key, "first", long) as end_first:
        await turns.until("first leads")
        async with candidate(server, turns, key, "second", long):
            end_first.set()
            await turns.until("second leads")
    assert turns.told == ["first leads", "first ends", "second leads", "second ends"]
    lease = await server.get("Lease", key)
    assert lease is not None
    assert lease["spec"]["holderIdentity"] == ""
    assert lease["spec"]["leaseTransitions"] == 1


async def test_a_leader_that_is_cut_off_has_ended_before_the_next_one_leads(
    running: RunningServer, server: Server
) -> None:
    """Each on its own clock; nothing tells one of the other."""
    key = Key(await namespace(server, "cut-off"), "controller")
    turns = Turns()
    async with (
        Wire(running.address) as wire,
        Server.open(replace(running.access(), url=wire.url)) as behind,
        candidate(behind, turns, key, "first", SHORT),
    ):
        await turns.until("first leads")
        async with candidate(server, turns, key, "second", SHORT):
            wire.accepts = False
            wire.silence()
            await turns.until("second leads")
    assert turns.told[:4] == ["first leads", "first ends", "first has lost it", "second leads"]


async def test_leadership_outlasts_its_lease_as_long_as_it_is_renewed(server: Server) -> None:
    """Another one waits, and sees each renewal."""
    key = Key(await namespace(server, "renewed"), "controller")
    turns = Turns()
    renewals: asyncio.Queue[None] = asyncio.Queue()
    watched = Reflector(server, "Lease", seen, lambda *_: renewals.put_nowait(None), namespace=key.namespace)
    watching = asyncio.create_task(watched.run())
    async with candidate(server, turns, key, "first", SHORT):
        await turns.until("first leads")
        async with candidate(server, turns, key, "second", SHORT):
            for _ in range(int(SHORT.lasts / SHORT.retry) + 2):
                await renewals.get()
            assert turns.told == ["first leads"]
    watching.cancel()
