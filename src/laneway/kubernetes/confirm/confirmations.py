"""What every proxy has: answers for the engine, kept up while something is awaited.

Owns which istiods are asked, and when. Must not know why something is wanted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from time import monotonic

from laneway.kubernetes.confirm.access import Access
from laneway.kubernetes.confirm.decide import Sees, World, endpoint_count
from laneway.kubernetes.confirm.istiod import Istiod
from laneway.kubernetes.confirm.ledger import Ledger, Wanted
from laneway.kubernetes.confirm.wanted import Pod, Rules
from laneway.spec.meta import Key

LOOK_AGAIN_SECONDS = 1.0
"""How often time alone may change an answer."""
TOGETHER_SECONDS = 0.01
"""What is heard within this time is looked at once."""


class Confirmations:
    """Of one mesh. Everything is called on one event loop, and nothing here waits for an istiod.

    pods: the ready pods with a proxy; without it, what an unreachable istiod's proxies serve is not known.
    sees: which namespaces are told of which hosts; it spares seconds of waiting for proxies that a Sidecar
    keeps from a host. assume_after: how long after istiod serves something its proxies are taken to have it,
    where istiod tells nothing of them; None: never.
    """

    def __init__(
        self,
        access: Access,
        pods: Callable[[], Iterable[Pod]] | None = None,
        sees: Sees = lambda namespace, host: True,
        assume_after: timedelta | None = None,
    ) -> None:
        self._access = access
        self._pods = pods
        self._ledger = Ledger(sees)
        self._assume_after = assume_after.total_seconds() if assume_after else None
        self._istiods: dict[str, Istiod] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._served: frozenset[Wanted] = frozenset()
        self._searching = False
        self._answers: object = None
        self._counted: frozenset[str] = frozenset()
        self._counts: Mapping[str, int | None] = {}
        self._looking: asyncio.TimerHandle | None = None
        self._callbacks: list[Callable[[], None]] = []

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Be called whenever an answer may have changed."""
        self._callbacks.append(callback)

    def istiods(self, addresses: Iterable[str]) -> None:
        """The istiods that there are now, as `address:port`."""
        wanted = dict.fromkeys(addresses)
        for gone in self._istiods.keys() - wanted.keys():
            del self._istiods[gone]
            if task := self._tasks.pop(gone, None):
                task.cancel()
        for new in [address for address in wanted if address not in self._istiods]:
            self._istiods[new] = Istiod(new, self._access, self._look_soon)
            self._start(new)
        self._follow()
        self._look()

    def watch(
        self, rules: Mapping[Key, Rules], clusters: Iterable[str], counted: Iterable[str] | None = None
    ) -> None:
        """What is to be confirmed from now on, as a whole.

        counted: the clusters of which endpoints are counted; None: of all.
        """
        self._ledger.watch(rules, clusters, self._world())
        self._counted = self._ledger.clusters if counted is None else frozenset(counted)
        self._follow()
        self._look()

    def rules(self, key: Key, marker: str) -> bool:
        """Whether every proxy that it concerns serves the watched VirtualService at this marker."""
        return self._ledger.confirmed(key) == marker

    def cluster(self, name: str) -> bool:
        """Whether every proxy that may be told of it knows the watched cluster."""
        return self._ledger.confirmed(name) is not None

    def endpoints(self, name: str) -> int | None:
        """The endpoints of a counted cluster that every istiod knows; None if one does not know the cluster.

        A proxy that has rules which were written after that has them too.
        """
        return self._counts.get(name)

    def laggards(self) -> tuple[str, ...]:
        """Proxies that do not have something awaited though istiod serves it, as `namespace/name`."""
        return tuple(self._ledger.laggards())

    def reasons(self) -> Mapping[str, str]:
        """Why each laggard is one."""
        return self._ledger.laggards()

    def unserved(self, wanted: Wanted) -> tuple[str, ...]:
        """Istiods that do not serve the rules or the cluster yet, or of whose proxies nothing is known."""
        return self._ledger.unserved(wanted)

    def unreachable(self) -> tuple[str, ...]:
        """Istiods that cannot be asked."""
        return tuple(sorted(one.address for one in self._istiods.values() if one.trouble))

    async def run(self) -> None:
        """Ask and answer, until cancelled."""
        async with asyncio.TaskGroup() as self._group:
            for address in self._istiods:
                self._start(address)
            try:
                while True:
                    await asyncio.sleep(LOOK_AGAIN_SECONDS)
                    if self._ledger.awaited or self._searching:
                        self._look()
                        self._search()
            finally:
                for task in self._tasks.values():
                    task.cancel()

    def _start(self, address: str) -> None:
        if self._group:
            self._tasks[address] = self._group.create_task(self._istiods[address].run())

    def _follow(self) -> None:
        for istiod in self._istiods.values():
            istiod.follow(self._ledger.selectors, self._counted)

    def _world(self) -> World:
        views = {one: one.view() for one in self._istiods.values()}
        silent = [one for one, view in views.items() if not view]
        return World(
            views=tuple(view for view in views.values() if view),
            pods=self._ready(),
            now=monotonic(),
            connecting=tuple(one.address for one in silent if not one.trouble),
            unreachable=tuple(one.address for one in silent if one.trouble),
            assume_after=self._assume_after,
        )

    def _ready(self) -> Collection[Pod] | None:
        if self._pods is None:
            return None
        return frozenset(self._pods()) if self._ledger.awaited else ()

    def _look_soon(self) -> None:
        """A push is many responses: they are looked at together."""
        if self._looking is None:
            self._looking = asyncio.get_running_loop().call_later(TOGETHER_SECONDS, self._look)

    def _look(self) -> None:
        """Find what can be answered by now; ask on where something is served and not confirmed."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        world = self._world()
        self._ledger.look(world)
        self._ask(world)
        self._tell(world)

    def _ask(self, world: World) -> None:
        before, self._served = self._served, self._ledger.served(world)
        for istiod in self._istiods.values() if self._served else ():
            if self._served - before:
                istiod.hurry()
            else:
                istiod.ask()

    def _search(self) -> None:
        """Look for rules that are not shown to us. Who may be told them is known once istiod was asked."""
        self._searching = False
        for istiod in self._istiods.values():
            view = istiod.view()
            hidden = self._ledger.hidden(view, monotonic()) if view else {}
            istiod.seek(hidden)
            self._searching |= bool(hidden)
            if not all(hidden.values()):
                istiod.ask()

    def _tell(self, world: World) -> None:
        views = () if world.connecting else world.views
        self._counts = {name: endpoint_count(name, views) for name in self._counted}
        answers = self._ledger.state(), self._counts, world.connecting, self.unreachable()
        if answers != self._answers:
            self._answers = answers
            for callback in self._callbacks:
                callback()
