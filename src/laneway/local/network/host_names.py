"""The names that pods are told, and the address of each. Must not know who asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from laneway.local.network.cluster_addresses import cluster_ip, host_addresses
from laneway.local.store import Changed, Store
from laneway.spec.meta import key_of
from laneway.spec.naming import full_host

_KINDS = frozenset({"Service", "ServiceEntry"})


def names(services: Iterable[Mapping[str, Any]], entries: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """IPv4 addresses by full name, of Services before hosts of ServiceEntries. Pure."""
    found: dict[str, str] = {}
    for entry in entries:
        found |= host_addresses(entry)
    for service in services:
        key = key_of(service)
        if address := cluster_ip(service):
            found[full_host(key.name, key.namespace)] = address
    return found


def follow_names(store: Store, told: Callable[[Mapping[str, str]], None]) -> Callable[[], None]:
    """Tell the names that are stored, now and after each change. Returns what ends it."""

    def tell() -> None:
        told(names(store.list("Service"), store.list("ServiceEntry")))

    def changed(change: Changed) -> None:
        if change.kind in _KINDS:
            tell()

    tell()
    return store.subscribe(changed)
