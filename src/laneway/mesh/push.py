"""What to send to one proxy next, so that it never holds a route to a cluster that it does not have.

Owns the order between types: clusters, then their endpoints, then the listeners and routes that name them; a
cluster goes when nothing that the proxy may still hold names it. Each resource waits for exactly what it
needs, so a change of routes to known clusters goes out at once, whatever else is under way. Must not know
bytes, sockets or other proxies; no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain

from laneway.mesh.resources import CDS, EDS, LDS, RDS, SRDS, TYPES, Delta, Resource
from laneway.mesh.subscription import FIRST, Flight, Needs, Subscription
from laneway.mesh.wire import Request, Response


class Conversation:
    """All that is said on one proxy's stream.

    wanted: by type URL and name, what the proxy is to have: a live view, whose changes `change` reports.
    """

    def __init__(self, wanted: Mapping[str, Mapping[str, Resource]], generation: int) -> None:
        self._wanted = wanted
        self._generation = generation
        self._nonce = 0
        self._types = {url: Subscription(url, wanted[url]) for url in TYPES}

    def receive(self, request: Request) -> None:
        """Take the proxy's next request; one of an unknown type is not answered.

        While a cluster warms, Envoy says nothing about clusters. So after a cut it asks for endpoints first,
        and needs them again even where it has the right ones.
        """
        if request.type_url == EDS and not self._types[CDS].open:
            request = replace(request, held={})
        if subscription := self._types.get(request.type_url):
            subscription.receive(request, self._generation)

    def change(self, layers: Iterable[Mapping[str, Delta]], generation: int) -> None:
        """`wanted` has become different, by layer and type URL; maybe in nothing of this proxy's."""
        self._generation = generation
        for deltas in layers:
            for url, delta in deltas.items():
                self._types[url].change(delta, generation)

    def responses(self) -> list[Response]:
        """What can be sent now, in this order. What was sent counts as under way until the proxy answers."""
        return [response for url in TYPES if (response := self._next(url))]

    def acknowledged(self) -> int:
        """The newest generation of which the proxy has acknowledged everything, and of all older ones.

        0 before it has said what it has.
        """
        if not (self._types[CDS].open and self._told()):
            return 0
        oldest = self._generation + 1
        for age in chain.from_iterable(each.ages() for each in self._types.values()):
            if age == FIRST:
                return 0
            oldest = min(oldest, age)
        return oldest - 1

    def rejection(self) -> str:
        """What the proxy refuses, in its own words; empty if nothing."""
        return "; ".join(text for each in self._types.values() if (text := each.rejection()))

    def _next(self, url: str) -> Response | None:
        subscription = self._types[url]
        if not subscription.ready():
            return None
        response = subscription.take(self._sendable(url), str(self._nonce + 1))
        if response is None:
            return None
        self._nonce += 1
        if url == CDS and subscription.flight:
            self._rewarm(subscription.flight)
        if url == LDS and subscription.flight:
            self._rescope(subscription.flight)
        return response

    def _rewarm(self, clusters: Flight) -> None:
        """Envoy wants the endpoints again when their cluster changes, or it warms the cluster without end."""
        endpoints = self._types[EDS]
        for name, since in clusters.since.items():
            if name not in self._wanted[CDS]:
                endpoints.held.pop(name, None)
            elif name in self._wanted[EDS]:
                endpoints.resend(name, since)

    def _rescope(self, listeners: Flight) -> None:
        """Envoy does not ask for scopes again when the last listener with them went and another comes."""
        since = [age for name, age in listeners.since.items() if listeners.content[name]]
        if since:
            self._types[SRDS].resend_all(min(since))

    def _sendable(self, url: str) -> Iterable[str]:
        due = self._types[url].due()
        if url == CDS:
            return self._clusters(list(due))
        if url == EDS:
            return (name for name in due if self._may_supply(name))
        if url == SRDS:
            # A scope that goes may still be used by a listener that is about to be replaced.
            return (name for name in due if name in self._wanted[SRDS] or not self._unsettled(LDS))
        return (name for name in due if self._may_replace(url, name))

    def _may_supply(self, name: str) -> bool:
        """Whether endpoints can go: after their cluster's content, or at once if the proxy waits for them.

        Envoy acknowledges clusters only when they are warm, so endpoints cannot wait for that.
        """
        clusters = self._types[CDS]
        if name in self._types[EDS].held:
            return not clusters.open or name not in clusters.stale or clusters.arriving(name)
        return not clusters.removing(name)

    def _clusters(self, due: list[str]) -> Iterator[str]:
        """New and changed clusters, and those to be removed that nothing names any more."""
        named = self._named() if any(name not in self._wanted[CDS] for name in due) else None
        return (
            name for name in due if name in self._wanted[CDS] or (named is not None and name not in named)
        )

    def _named(self) -> Needs:
        """The clusters that outdated routes and listeners of the proxy may still name; None if not known."""
        if not self._told():
            return None
        named: set[str] = set()
        for url in (LDS, RDS):
            subscription = self._types[url]
            for name in subscription.unsettled():
                needs = subscription.held.get(name, frozenset())
                if needs is None:
                    return None
                named |= needs
            named |= subscription.under_way()
        return frozenset(named)

    def _told(self) -> bool:
        """Whether the proxy has said which listeners and routes it has: after a cut, type by type."""
        listeners, scopes, routes = (self._types[url] for url in (LDS, SRDS, RDS))
        if not listeners.open:
            return False
        asks = not scopes.open and any(self._asks(name, needs) for name, needs in listeners.held.items())
        return routes.open or not (self._wanted[RDS] or scopes.held or asks)

    def _asks(self, listener: str, needs: Needs) -> bool:
        """Whether the proxy may ask for routes because of a listener that it has."""
        item = self._wanted[LDS].get(listener)
        return item is None or needs is None or item.asks

    def _may_replace(self, url: str, name: str) -> bool:
        """Whether a listener or routes can go: their clusters are there; or they are gone and unused."""
        held = name in self._types[url].held
        item = self._wanted[url].get(name)
        if item is not None:
            return all(self._warm(cluster, held) for cluster in self._doubtful(item.needs))
        return url == LDS or not held or not any(self._unsettled(above) for above in (LDS, SRDS))

    def _unsettled(self, url: str) -> bool:
        return next(self._types[url].unsettled(), None) is not None

    def _doubtful(self, needs: frozenset[str]) -> Iterable[str]:
        """Those of these clusters that are not plainly there; a table with a thousand lanes needs as many."""
        clusters, endpoints = self._types[CDS], self._types[EDS]
        if clusters.flight:
            return needs
        return [name for name in needs if name not in clusters.held or name not in endpoints.held]

    def _warm(self, cluster: str, strict: bool) -> bool:
        """Whether the proxy has a cluster with its endpoints, or will never have it.

        A cluster that does not exist is not waited for. One that the proxy refused is, where the proxy has
        older routes to go on with (strict); without any, routes that fail for one cluster serve better than
        none.
        """
        clusters, endpoints = self._types[CDS], self._types[EDS]
        if cluster not in self._wanted[CDS]:
            return True
        if cluster in clusters.held and not clusters.removing(cluster):
            known = cluster not in self._wanted[EDS] or cluster in endpoints.held
            return known or (cluster in endpoints.refused and not strict)
        return cluster in clusters.refused and not strict
