"""The record of what changed objects make stale. Must not know what is made of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from laneway.spec.meta import Key


@dataclass(slots=True)
class Stale:
    """What changed objects make stale. Hosts are full names.

    names: what callers in any namespace may call a host; short_names: (namespace, name) that only callers of
    that namespace may; routes: mesh hosts; rules: VirtualServices, bound to gateways or not.
    """

    names: set[str] = field(default_factory=set)
    short_names: set[tuple[str, str]] = field(default_factory=set)
    routes: set[str] = field(default_factory=set)
    clusters: set[str] = field(default_factory=set)
    endpoints: set[str] = field(default_factory=set)
    rules: set[Key] = field(default_factory=set)
    gateways: bool = False
    sidecars: bool = False
