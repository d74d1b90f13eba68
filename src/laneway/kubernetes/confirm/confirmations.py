"""What every proxy has: answers for the engine, kept up while something is awaited.

Owns what is awaited, and what was found confirmed: that stays so until the engine wants something else. Must
not know why it is wanted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from time import monotonic

from laneway.kubernetes.confirm.access import Access
from laneway.kubernetes.confirm.decide import (
    Sees,
    Verdict,
    Want,
    World,
    cluster_want,
    endpoint_count,
    rules_want,
    served,
    verdict,
)
from laneway.kubernetes.confirm.istiod import Istiod
from laneway.kubernetes.confirm.wanted import Pod, Rules
from laneway.spec.meta import Key

LOOK_AGAIN_SECONDS = 1.0
"""How often time alone may change an answer."""

log = logging.getLogger(__name__)


class Confirmations:
    """Of one mesh. Everything is called on one event loop, and nothing here waits for an istiod.

    pods: the ready pods with a proxy; without it, what an unreachable istiod's proxies serve is not known.
    sees: which namespaces are told of which hosts; it spares waiting for proxies that a Sidecar keeps
    from it. assume_after: how long after istiod serves something its proxies are taken to have it,
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
        self._sees = sees
        self._assume_after = assume_after.total_seconds() if assume_after else None
        self._istiods: dict[str, Istiod] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._rules: Mapping[Key, Rules] = {}
        self._clusters: frozenset[str] = frozenset()
        self._wants: dict[Key | str, Want] = {}
        self._since: dict[Key | str, float] = {}
        self._confirmed: dict[Key | str, str] = {}
        self._verdicts: dict[Key | str, Verdict] = {}
        self._hurried: frozenset[Key | str] = frozenset()
        self._answers: object = None
        self._callbacks: list[Callable[[], None]] = []

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Be called whenever an answer may have changed."""
        self._callbacks.append(callback)

    def istiods(self, addresses: Iterable[str]) -> None:
        """The istiods that there are now, as `address:port`."""
        wanted = set(addresses)
        for gone in self._istiods.keys() - wanted:
            del self._istiods[gone]
            if task := self._tasks.pop(gone, None):
                task.cancel()
        for new in wanted - self._istiods.keys():
            self._istiods[new] = Istiod(new, self._access, self._look)
            self._start(new)
        self._follow()
        self._look()

    def watch(self, rules: Mapping[Key, Rules], clusters: Iterable[str]) -> None:
        """What is to be confirmed from now on, as a whole."""
        names = frozenset(clusters)
        for key, wanted in rules.items():
            if self._rules.get(key) != wanted:
                self._await(key, rules_want(wanted, self._sees))
        for name in names - self._clusters:
            self._await(name, cluster_want(name, self._sees))
        for gone in (self._rules.keys() - rules.keys()) | (self._clusters - names):
            self._forget(gone)
        self._rules, self._clusters = dict(rules), names
        self._follow()
        self._look()

    def rules(self, key: Key, marker: str) -> bool:
        """Whether every proxy that it concerns serves the watched VirtualService at this marker."""
        return self._confirmed.get(key) == marker

    def cluster(self, name: str) -> bool:
        """Whether every proxy that may be told of it knows the watched cluster."""
        return name in self._confirmed

    def endpoints(self, name: str) -> int | None:
        """The endpoints of a watched cluster that every istiod knows; None if one does not know the cluster.

        A proxy that has rules written after that has them too.
        """
        return endpoint_count(name, self._world()) if name in self._clusters else None

    def laggards(self) -> tuple[str, ...]:
        """Proxies that do not have something awaited though istiod serves it, as `namespace/name`."""
        return tuple(self.reasons())

    def reasons(self) -> Mapping[str, str]:
        """Why each laggard is one."""
        found = {str(pod): why for one in self._verdicts.values() for pod, why in one.laggards.items()}
        return dict(sorted(found.items()))

    def unserved(self, wanted: Key | str) -> tuple[str, ...]:
        """Istiods that do not serve the rules or the cluster yet, or of whose proxies nothing is known."""
        found = self._verdicts.get(wanted)
        return found.unserved if found else ()

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
                    if self._assume_after is not None and self._awaited():
                        self._look()
            finally:
                for task in self._tasks.values():
                    task.cancel()

    def _start(self, address: str) -> None:
        if self._group:
            self._tasks[address] = self._group.create_task(self._istiods[address].run())

    def _await(self, wanted: Key | str, want: Want) -> None:
        self._forget(wanted)
        self._wants[wanted] = want
        self._since[wanted] = monotonic()

    def _forget(self, wanted: Key | str) -> None:
        for kept in (self._wants, self._since, self._confirmed, self._verdicts):
            kept.pop(wanted, None)

    def _awaited(self) -> set[Key | str]:
        return self._wants.keys() - self._confirmed.keys()

    def _follow(self) -> None:
        selectors = frozenset(one for rules in self._rules.values() for one in rules.gateways)
        for istiod in self._istiods.values():
            istiod.follow(selectors, self._clusters)

    def _world(self) -> World:
        views = {one.address: one.view() for one in self._istiods.values()}
        return World(
            views=tuple(view for view in views.values() if view),
            pods=None if self._pods is None else frozenset(self._pods()),
            now=monotonic(),
            connecting=tuple(
                name for name, view in views.items() if not view and not self._istiods[name].trouble
            ),
            unreachable=tuple(
                name for name, view in views.items() if not view and self._istiods[name].trouble
            ),
            assume_after=self._assume_after,
        )

    def _look(self) -> None:
        """Find what can be answered by now; ask on where something is served and not confirmed."""
        world = self._world()
        self._lose_clusters(world)
        for wanted in self._awaited():
            found = verdict(self._wants[wanted], world, self._since[wanted])
            self._verdicts[wanted] = found
            if found.confirmed:
                self._confirm(wanted, found)
        self._ask(world)
        self._tell(world)

    def _confirm(self, wanted: Key | str, found: Verdict) -> None:
        self._confirmed[wanted] = "" if isinstance(wanted, str) else self._rules[wanted].marker
        del self._verdicts[wanted]
        if found.assumed:
            log.warning("%s: nothing is known of its proxies; taken as confirmed after a time", wanted)

    def _lose_clusters(self, world: World) -> None:
        """A cluster that an istiod serves no longer is awaited anew."""
        for name in self._clusters & self._confirmed.keys():
            if any(name not in view.clusters for view in world.views):
                self._await(name, self._wants[name])

    def _ask(self, world: World) -> None:
        shown = frozenset(wanted for wanted in self._awaited() if served(self._wants[wanted], world))
        new = shown - self._hurried
        self._hurried = shown
        for istiod in self._istiods.values() if shown else ():
            istiod.hurry() if new else istiod.ask()

    def _tell(self, world: World) -> None:
        answers = (
            dict(self._confirmed),
            dict(self._verdicts),
            {name: endpoint_count(name, world) for name in self._clusters},
            self.unreachable(),
        )
        if answers != self._answers:
            self._answers = answers
            for callback in self._callbacks:
                callback()
