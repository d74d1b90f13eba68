"""What one proxy has of one type of resource, and what it lacks: the rules of delta xDS for a single type.

Owns names, nonces, acknowledgements and refusals. Must not know the other types, nor their order; no I/O.
Rules: "Incremental xDS" in Envoy's xds_protocol documentation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice

from laneway.mesh.protos import message
from laneway.mesh.resources import EDS, RDS, Delta, Resource, resource
from laneway.mesh.wire import Request, Response

WILDCARD = "*"
FIRST = 1
"""The first generation: what a proxy never acknowledged may be as old as that."""
RESPONSE_MAX = 1_000
"""Resources in a response: a proxy that needs a whole mesh is served in turns with the others."""

Wanted = Mapping[str, Resource]
"""By name, what the proxy is to have: a live view."""

Needs = frozenset[str] | None
"""Clusters that a held resource names; None where it is content of an earlier stream that is not known."""


@dataclass(frozen=True, slots=True)
class Flight:
    """A response without an answer. content: None for a removal; since: the generations that it brings."""

    nonce: str
    content: Mapping[str, Resource | None]
    since: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Refused:
    """A resource that the proxy refused when it came alone."""

    since: int
    text: str


class Subscription:
    """One type of one proxy, for the life of a stream.

    Each name is settled, or *stale* since a generation (the proxy may have something older), or in *flight*,
    or *refused* until its content changes. One response at a time: what changes meanwhile waits, and only its
    newest content goes. A refused response is sent again in halves, so that one bad resource never holds back
    the others.
    """

    def __init__(self, type_url: str, wanted: Wanted) -> None:
        self.type_url = type_url
        self.wanted = wanted
        self.open = False
        self.held: dict[str, Needs] = {}
        self.stale: dict[str, int] = dict.fromkeys(wanted, FIRST)
        self.refused: dict[str, Refused] = {}
        self.flight: Flight | None = None
        self._wildcard = False
        self._names: set[str] = set()
        self._again: set[str] = set()
        self._owed = False
        self._limit = RESPONSE_MAX
        self._error = ""

    def receive(self, request: Request, generation: int) -> None:
        """Take a request of this type. generation: the newest one."""
        if request.nonce:
            self._answered(request.nonce, request.error)
        if not self.open:
            self._opened(request, generation)
            return
        for name in request.subscribe:
            self._subscribe(name, generation)
        for name in request.unsubscribe:
            self._unsubscribe(name, generation)

    def change(self, delta: Delta, generation: int) -> None:
        """`wanted` has become different for these names; what is removed may have moved to another layer."""
        for name in delta.changed:
            self._mark(name, generation)
        for name in delta.removed:
            known = name in self.wanted or name in self.held or name in self._names
            if known or (self._wildcard and self._in_flight(name)):
                self._mark(name, generation)
            else:
                self.stale.pop(name, None)
                self.refused.pop(name, None)

    def resend(self, name: str, since: int) -> None:
        """The proxy needs a name again, though it is as it was; since: the generation for which it does."""
        self._again.add(name)
        self._mark(name, since)

    def resend_all(self, since: int) -> None:
        """The proxy needs everything again, though it has asked for it before."""
        self._owed = True
        for name in self.wanted:
            self.resend(name, since)

    def ready(self) -> bool:
        """Whether a response could go: there is something to say, and no answer is outstanding."""
        return self.open and self.flight is None and (bool(self.stale) or self._owed)

    def due(self) -> Iterator[str]:
        """Stale names that the proxy has asked for."""
        return (name for name in self.stale if self._subscribed(name))

    def take(self, names: Iterable[str], nonce: str) -> Response | None:
        """The response that brings these stale names, as far as one response may; None where none is due.

        A new wildcard subscription is answered with nothing where there is nothing: the proxy waits for it.
        """
        batch = list(islice(names, self._limit))
        if not batch and not (self._owed and not self.stale):
            return None
        content = {name: self._content(name) for name in batch}
        self.flight = Flight(nonce, content, {name: self.stale.pop(name) for name in batch})
        self._again.difference_update(batch)
        self._owed = False
        return Response(
            self.type_url,
            nonce,
            changed=tuple(item for item in content.values() if item),
            removed=tuple(name for name, item in content.items() if item is None),
        )

    def unsettled(self) -> Iterator[str]:
        """Names of which the proxy may still have something older than what it is to have."""
        yield from self.stale
        yield from self.refused
        if self.flight:
            yield from self.flight.content

    def under_way(self) -> frozenset[str]:
        """Clusters that the content in flight names."""
        sent = self.flight.content.values() if self.flight else ()
        return frozenset().union(*(item.needs for item in sent if item))

    def arriving(self, name: str) -> bool:
        """Whether content for a name is in flight."""
        return self.flight is not None and self.flight.content.get(name) is not None

    def removing(self, name: str) -> bool:
        """Whether the removal of a name is in flight."""
        return self.flight is not None and self.flight.content.get(name, ...) is None

    def ages(self) -> Iterator[int]:
        """The generations that brought something which the proxy has not acknowledged, in no order."""
        refused = (refused.since for refused in self.refused.values())
        return chain(self.stale.values(), refused, self.flight.since.values() if self.flight else ())

    def rejection(self) -> str:
        """What the proxy refuses, in its own words; empty if nothing."""
        return "; ".join(f"{name}: {refused.text}" for name, refused in self.refused.items()) or self._error

    def _opened(self, request: Request, generation: int) -> None:
        self.open = True
        self._owed |= not request.held
        if not request.subscribe:
            self._wildcard = True
        for name in request.subscribe:
            self._subscribe(name, generation)
        for name, version in request.held.items():
            item = self._content(name)
            if item and item.version == version:
                self.held[name] = item.needs
                if name not in self._again:
                    self.stale.pop(name, None)
            else:
                self.held[name] = None
                self.stale.setdefault(name, generation)

    def _subscribe(self, name: str, generation: int) -> None:
        if name == WILDCARD:
            self._wildcard = self._owed = True
            return
        self._names.add(name)
        self.held.pop(name, None)
        self._mark(name, generation)

    def _unsubscribe(self, name: str, generation: int) -> None:
        if name == WILDCARD:
            self._wildcard = False
            for other in {*self.held, *self.stale, *self.refused} - self._names:
                self._unsubscribe(other, generation)
            return
        self._names.discard(name)
        self.held.pop(name, None)
        self.refused.pop(name, None)
        if name in self.wanted:
            self.stale.setdefault(name, generation)
        else:
            self.stale.pop(name, None)

    def _mark(self, name: str, generation: int) -> None:
        refused = self.refused.pop(name, None)
        since = min(generation, refused.since) if refused else generation
        self.stale[name] = min(since, self.stale.get(name, since))

    def _answered(self, nonce: str, error: str) -> None:
        if self.flight is None or self.flight.nonce != nonce:
            return
        flight, self.flight, self._error = self.flight, None, error
        if error:
            self._refuse(flight, error)
            return
        self._limit = RESPONSE_MAX
        for name, item in flight.content.items():
            if item is None:
                self.held.pop(name, None)
            elif self._subscribed(name):
                self.held[name] = item.needs

    def _refuse(self, flight: Flight, error: str) -> None:
        self._limit = max(1, len(flight.content) // 2)
        for name, since in flight.since.items():
            if not (name in self.wanted or self._subscribed(name)):
                continue
            if len(flight.content) == 1 and name not in self.stale:
                self.refused[name] = Refused(since, error)
            else:
                self.stale[name] = min(since, self.stale.get(name, since))

    def _subscribed(self, name: str) -> bool:
        return self._wildcard or name in self._names

    def _in_flight(self, name: str) -> bool:
        return self.flight is not None and name in self.flight.content

    def _content(self, name: str) -> Resource | None:
        return self.wanted.get(name) or nothing(self.type_url, name)


def nothing(type_url: str, name: str) -> Resource | None:
    """What is sent for an unknown name: no routes, no endpoints; None where it is a removal.

    A proxy waits without limit for its routes and for the endpoints of a cluster: silence would hang it.
    """
    if type_url == EDS:
        return resource(name, message("envoy.config.endpoint.v3.ClusterLoadAssignment")(cluster_name=name))
    if type_url == RDS:
        return resource(name, message("envoy.config.route.v3.RouteConfiguration")(name=name))
    return None
