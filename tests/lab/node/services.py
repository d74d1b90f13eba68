"""Services' own addresses, as kube-proxy makes them reach pods: for programs without a sidecar. Pure.

Owns which address leads to which pods, by Services and EndpointSlices. Must not know who passes it on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Place = tuple[str, int]
"""Address and port."""

Object = Mapping[str, Any]
_SERVICE = "kubernetes.io/service-name"


def forwards(services: Iterable[Object], slices: Iterable[Object]) -> dict[Place, list[Place]]:
    """Where connections to a Service's address go, by address and port."""
    by_service: defaultdict[tuple[str, str], list[Object]] = defaultdict(list)
    for each in slices:
        meta = each["metadata"]
        by_service[meta["namespace"], meta.get("labels", {}).get(_SERVICE, "")].append(each)
    return {
        place: sorted(found) for service in services for place, found in _of(service, by_service) if found
    }


def _of(
    service: Object, by_service: Mapping[tuple[str, str], Sequence[Object]]
) -> Iterator[tuple[Place, list[Place]]]:
    address, meta = service["spec"].get("clusterIP"), service["metadata"]
    if not address or address == "None":
        return
    slices = by_service.get((meta["namespace"], meta["name"]), ())
    for port in service["spec"].get("ports", []):
        if port.get("protocol", "TCP") == "TCP":
            yield (address, port["port"]), list(_endpoints(slices, port.get("name", "")))


def _endpoints(slices: Iterable[Object], name: str) -> Iterator[Place]:
    for each in slices:
        numbers = [port["port"] for port in each.get("ports") or [] if (port.get("name") or "") == name]
        for endpoint in each.get("endpoints") or []:
            if endpoint.get("conditions", {}).get("ready") is not False:
                yield from ((endpoint["addresses"][0], number) for number in numbers)
