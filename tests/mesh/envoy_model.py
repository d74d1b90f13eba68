"""A proxy that speaks delta xDS as Envoy does, without sockets: what it serves can be looked at at any time.

Modelled after Envoy 1.40: a cluster that is new or changed is warm when its endpoints arrive after it, until
then the old one serves and Envoy says nothing about clusters; a listener asks for scopes, a scope for its
routes; what is no longer referred to is unsubscribed, except scopes, which are not asked for again either.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from laneway.mesh.resources import CDS, EDS, LDS, RDS, SRDS, Resource
from laneway.mesh.wire import Request, Response


@dataclass
class EnvoyModel:
    """Requests wait in `out` until somebody carries them to the server."""

    out: deque[Request] = field(default_factory=deque)
    versions: dict[str, dict[str, str]] = field(
        default_factory=lambda: {url: {} for url in (CDS, EDS, LDS, SRDS, RDS)}
    )
    active: dict[str, str] = field(default_factory=dict)
    warming: dict[str, str] = field(default_factory=dict)
    needs: dict[str, frozenset[str]] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=lambda: {EDS: set(), RDS: set()})
    asked: list[str] = field(default_factory=list)
    paused: list[Request] = field(default_factory=list)
    scopes: set[str] = field(default_factory=set)
    received: list[Response] = field(default_factory=list)

    def connect(self) -> None:
        """A new stream: everything asked for again, with the versions at hand."""
        self.out.clear()
        self.paused.clear()
        if not self.asked:
            self.asked.append(CDS)
        for url in self.asked:
            names = tuple(sorted(self.names.get(url, ())))
            if url in self.names and not names:
                continue
            self._say(Request(url, "model", subscribe=names, held=dict(self.versions[url])))

    def take(self, response: Response) -> None:
        """Apply a response, and answer it: refused as a whole where a resource's body says so."""
        self.received.append(response)
        url = response.type_url
        bad = [item.name for item in response.changed if item.body == b"bad"]
        if bad:
            self._say(Request(url, nonce=response.nonce, error=f"bad {', '.join(bad)}"))
            return
        for item in response.changed:
            self._add(url, item)
        for name in response.removed:
            self._remove(url, name)
        self._say(Request(url, nonce=response.nonce))
        if not self.warming:
            self.out.extend(self.paused)
            self.paused.clear()
            self._ask(LDS)

    def broken(self) -> set[str]:
        """Clusters that a route in use names and that do not serve."""
        named = {cluster for name in self.versions[RDS] for cluster in self.needs.get(name, ())}
        return named - self.active.keys()

    def _say(self, request: Request) -> None:
        if request.type_url == CDS and self.warming:
            self.paused.append(request)
        else:
            self.out.append(request)

    def _ask(self, url: str) -> None:
        if url not in self.asked:
            self.asked.append(url)
            self.out.append(Request(url))

    def _subscribe(self, url: str, name: str) -> None:
        if name not in self.names[url]:
            self.names[url].add(name)
            if url not in self.asked:
                self.asked.append(url)
            self.out.append(Request(url, subscribe=(name,)))

    def _unsubscribe(self, url: str, name: str) -> None:
        if name in self.names[url]:
            self.names[url].discard(name)
            self.versions[url].pop(name, None)
            self.out.append(Request(url, unsubscribe=(name,)))

    def _add(self, url: str, item: Resource) -> None:
        if url in self.names and item.name not in self.names[url]:
            return
        fresh = self.versions[url].get(item.name) != item.version
        self.versions[url][item.name] = item.version
        if url == CDS and fresh:
            if item.name.startswith("static"):
                self.active[item.name] = item.version
            else:
                self.warming[item.name] = item.version
                self._subscribe(EDS, item.name)
        elif url == EDS and item.name in self.warming:
            self.active[item.name] = self.warming.pop(item.name)
        elif url == LDS and item.asks:
            self._ask(SRDS)
        elif url == SRDS and self.versions[LDS]:
            self.scopes.add(item.name)
            self._subscribe(RDS, item.name)
        elif url == RDS:
            self.needs[item.name] = item.needs

    def _remove(self, url: str, name: str) -> None:
        self.versions[url].pop(name, None)
        if url == CDS:
            self.active.pop(name, None)
            self.warming.pop(name, None)
            self._unsubscribe(EDS, name)
        elif url == SRDS:
            self.scopes.discard(name)
            self._unsubscribe(RDS, name)
        elif url == LDS and not self.versions[LDS]:
            for scope in sorted(self.scopes):
                self._unsubscribe(RDS, scope)
            self.scopes.clear()
