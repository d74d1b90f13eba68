"""What istiod knows of its proxies: which response each was sent last, and which it has acknowledged.

Owns reading istiod's `syncz` and the nonces in it. Must not know what the versions stand for.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import msgspec

from laneway.kubernetes.confirm.access import WITNESS
from laneway.kubernetes.confirm.ads import CLUSTERS, ENDPOINTS, ROUTES
from laneway.spec.meta import Key

_UUID_LENGTH = 36
NEVER = -1
"""Less than every counter."""


class Kind(StrEnum):
    """What a proxy is, as far as rules are concerned."""

    SIDECAR = "sidecar"
    GATEWAY = "router"


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


@dataclass(frozen=True)
class Snapshot:
    """An istiod's proxies. at: when it was asked, by our clock that only moves forward."""

    at: float
    proxies: tuple[Proxy, ...]

    @cached_property
    def keys(self) -> frozenset[Key]:
        """The pods that istiod knows."""
        return frozenset(proxy.key for proxy in self.proxies)

    @cached_property
    def routes_acked(self) -> Mapping[Kind, int]:
        """The lowest counter of routes that all of a kind have acknowledged."""
        return {kind: min(self._acked(kind), default=sys.maxsize) for kind in Kind}

    def _acked(self, kind: Kind) -> Iterator[int]:
        return (proxy.routes.acked if proxy.routes else NEVER for proxy in self.proxies if proxy.kind is kind)


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
