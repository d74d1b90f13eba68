"""What istiod knows of its proxies: which response each was sent last, and which it has acknowledged.

istiod tells each proxy in order: clusters, endpoints, listeners, routes of one push, then the next push, and
it reads an acknowledgement only between two pushes (pilot/pkg/xds/delta.go). So what a proxy acknowledged at
a push's counter or later proves that everything up to that push was sent to it; where its last routes are
acknowledged too, it has them. Owns reading istiod's `syncz`, and what follows for one proxy. Must not know
what is wanted of proxies.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from functools import cached_property

import msgspec

from laneway.kubernetes.confirm.access import WITNESS
from laneway.kubernetes.confirm.ads import CLUSTERS, ENDPOINTS, ROUTES
from laneway.spec.meta import Key

_UUID_LENGTH = 36
NEVER = -1
"""Less than every counter."""
LAST = sys.maxsize
"""More than every counter."""


class Kind(StrEnum):
    """What a proxy is, as far as rules are concerned."""

    SIDECAR = "sidecar"
    GATEWAY = "router"


class What(Enum):
    """What a proxy is told. Clusters count with their endpoints."""

    ROUTES = auto()
    CLUSTERS = auto()


class Told(msgspec.Struct, frozen=True, gc=False):
    """What a proxy was told of one type of resources.

    acked: counter of the last response that it acknowledged, NEVER if none. current: that was the last one
    sent. error: why it refused the last one.
    """

    acked: int
    current: bool
    error: str = ""


class Proxy(msgspec.Struct, frozen=True, gc=False):
    """A connected proxy. What it does not subscribe to is None.

    reach: the highest counter of any type that it acknowledged.
    """

    key: Key
    kind: Kind
    routes: Told | None
    clusters: Told | None
    endpoints: Told | None
    reach: int

    def up_to(self, what: What, old: bool) -> int:
        """The push up to which it has everything of this. old: all pushes in question were sent long ago."""
        reach = LAST if old and self.reach > NEVER else self.reach
        if what is What.ROUTES:
            # Without listeners that have routes it has all; that it had one shows in what else it was told.
            return reach if self.routes is None else _up_to(self.routes, reach)
        if self.clusters is None:
            return NEVER
        known = _up_to(self.clusters, reach)
        return known if self.endpoints is None else min(known, _up_to(self.endpoints, reach))


def _up_to(told: Told, reach: int) -> int:
    return max(told.acked, reach) if told.current else told.acked


@dataclass(frozen=True)
class Snapshot:
    """An istiod's proxies. at: when it was asked, by our clock that only moves forward."""

    at: float
    proxies: tuple[Proxy, ...]
    _lowest: dict[tuple[What, Kind, bool], int] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def keys(self) -> frozenset[Key]:
        """The pods that istiod knows."""
        return frozenset(proxy.key for proxy in self.proxies)

    def all_up_to(self, what: What, kind: Kind, old: bool) -> int:
        """The push up to which all proxies of a kind have everything of this."""
        asked = what, kind, old
        if asked not in self._lowest:
            found = (proxy.up_to(what, old) for proxy in self.proxies if proxy.kind is kind)
            self._lowest[asked] = min(found, default=LAST)
        return self._lowest[asked]


class _Resource(msgspec.Struct):
    sent: str = ""
    acked: str = ""
    lastError: str = ""  # noqa: N815


class _Status(msgspec.Struct):
    proxy: str = ""
    proxy_type: str = ""
    resources: dict[str, _Resource] = {}


_KINDS = frozenset(Kind)
_decoder = msgspec.json.Decoder(list[_Status])


def counter_of(nonce: str) -> int:
    """The push that a response belongs to; comparable within one istiod process. NEVER if unreadable.

    A nonce is `<time>/<counter>` and a UUID (pilot/pkg/xds/discovery.go).
    """
    _, _, counter = nonce[:-_UUID_LENGTH].rpartition("/")
    return int(counter) if counter.isdecimal() else NEVER


def read(data: bytes, at: float) -> Snapshot:
    """The snapshot from `syncz` as JSON. Raises msgspec.DecodeError. 3 ms for 1,000 proxies.

    Left out are witnesses, kinds of proxies that no rule applies to, and who only asks questions.
    """
    return Snapshot(at, tuple(_proxy(status) for status in _decoder.decode(data) if _counts(status)))


def _counts(status: _Status) -> bool:
    return (
        status.proxy_type in _KINDS and status.proxy.rpartition(".")[0] != WITNESS and bool(status.resources)
    )


def _proxy(status: _Status) -> Proxy:
    name, _, namespace = status.proxy.rpartition(".")
    return Proxy(
        key=Key(namespace, name),
        kind=Kind(status.proxy_type),
        routes=_told(status.resources.get(ROUTES)),
        clusters=_told(status.resources.get(CLUSTERS)),
        endpoints=_told(status.resources.get(ENDPOINTS)),
        reach=max(counter_of(resource.acked) for resource in status.resources.values()),
    )


def _told(resource: _Resource | None) -> Told | None:
    if resource is None:
        return None
    return Told(
        acked=counter_of(resource.acked),
        current=resource.sent == resource.acked != "" and not resource.lastError,
        error=resource.lastError,
    )
