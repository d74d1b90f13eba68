"""Worlds for the tests of what is decided: istiods with what they serve and know, in few words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laneway.kubernetes.confirm.decide import View
from laneway.kubernetes.confirm.syncz import NEVER, Kind, Proxy, Snapshot, Told
from laneway.kubernetes.confirm.witness import Moment, Served
from laneway.spec.meta import Key

MARKER = "~0123456789"
CLUSTER = "outbound|80|r-2|pharmacy.shop.svc.cluster.local"
GATEWAY = (("istio", "ingress"),)


def served(marker: str = MARKER, counter: int = 7, at: float = 100.0) -> Served:
    """A marker that is served since a push."""
    return Served({marker: Moment(counter, at)}, Moment(counter, at))


def proxy(
    name: str,
    routes: int | Told | None = NEVER,
    *,
    clusters: int | Told | None = NEVER,
    endpoints: int | Told | None = None,
    kind: Kind = Kind.SIDECAR,
    reach: int | None = None,
) -> Proxy:
    """A proxy of the namespace `shop`; a number stands for having acknowledged all up to there."""
    told = _told(routes), _told(clusters), _told(endpoints)
    highest = max((one.acked for one in told if one), default=NEVER)
    return Proxy(Key("shop", name), kind, told[0], told[1], told[2], highest if reach is None else reach)


def view(
    *proxies: Proxy,
    address: str = "one",
    mesh: Served | None = None,
    gateways: Mapping[Any, Served] | None = None,
    clusters: Mapping[str, Moment] | None = None,
    endpoints: Mapping[str, int] | None = None,
    at: float | None = 100.5,
    mute: bool = False,
) -> View:
    """An istiod with these proxies. at: when it was asked about them, None for never."""
    counts = endpoints or {}
    return View(
        address=address,
        mesh=served() if mesh is None else mesh,
        gateways=gateways or {},
        clusters=clusters or {},
        endpoints=counts.get,
        snapshot=None if at is None else Snapshot(at, proxies),
        mute=mute,
    )


def _told(one: int | Told | None) -> Told | None:
    return Told(one, one > NEVER) if isinstance(one, int) else one
