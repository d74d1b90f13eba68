"""Addresses of Services and of ServiceEntries' hosts, given when the objects are stored. Pure.

An address stays with its object for as long as that is stored. It means something to a caller in a network of
its own, whose sidecar takes the connections to it. Must not know who calls.

Ranges: Kubernetes' usual 10.96.0.0/16 for Services; 240.240.0.0/16 for hosts of ServiceEntries, as in Istio,
which also keeps them in `status.addresses` (Istio, "DNS auto allocation" and `ServiceEntryStatus`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import Any

Body = Mapping[str, Any]

SERVICES = IPv4Network("10.96.0.0/16")
ENTRIES = IPv4Network("240.240.0.0/16")

_RESERVED = 10
"""The first addresses of the Services' range, which clusters give to their own (the API server, DNS)."""


def addressed(obj: Body, old: Body | None, stored: Callable[[str], Sequence[Body]]) -> dict[str, Any]:
    """The object with the addresses that belong to it: those it had, else free ones.

    old: as it is stored; stored: all objects of a kind. A `clusterIP` that is written stays as it is.
    """
    match obj["kind"]:
        case "Service":
            return _service(obj, old, stored("Service"))
        case "ServiceEntry":
            return _entry(obj, old, stored("ServiceEntry"))
    return dict(obj)


def cluster_ip(service: Body) -> str:
    """A stored Service's address; empty where it has none."""
    given: str = service["spec"].get("clusterIP") or ""
    return "" if given == "None" else given


def host_addresses(entry: Body) -> dict[str, str]:
    """The addresses of a stored ServiceEntry's hosts."""
    listed = entry.get("status", {}).get("addresses", ())
    return {each["host"]: each["value"] for each in listed}


def _service(obj: Body, old: Body | None, services: Iterable[Body]) -> dict[str, Any]:
    if obj["spec"].get("clusterIP"):
        return dict(obj)
    address = cluster_ip(old) if old else ""
    if not address:
        address = next(_free(SERVICES, {cluster_ip(each) for each in services}))
    return {**obj, "spec": {**obj["spec"], "clusterIP": address}}


def _entry(obj: Body, old: Body | None, entries: Iterable[Body]) -> dict[str, Any]:
    hosts = [host.lower() for host in dict.fromkeys(obj["spec"]["hosts"]) if not host.startswith("*")]
    had = host_addresses(old) if old else {}
    free = _free(ENTRIES, {address for each in entries for address in host_addresses(each).values()})
    given = [{"host": host, "value": had.get(host) or next(free)} for host in hosts]
    return {**obj, "status": {**obj.get("status", {}), "addresses": given}}


def _free(network: IPv4Network, taken: set[str]) -> Iterator[str]:
    """Addresses that nothing has, lowest first."""
    first, last = int(network.network_address) + _RESERVED + 1, int(network.broadcast_address)
    return (text for number in range(first, last) if (text := str(IPv4Address(number))) not in taken)
