"""Where a cluster's ingress is reached from outside: the addresses that its Service has been given. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from laneway.kubernetes.service.explaining import INGRESS_LABELS

Json = dict[str, Any]

HTTP, HTTPS = 80, 443
STATUS_PORT = 15021
"""Of Istio's gateways, for load balancers alone."""


def urls(services: Iterable[Json], gateways: Iterable[Json]) -> tuple[str, ...]:
    """Of each port of each Service before pods that a Gateway selects, or that are Istio's ingress."""
    selectors = [gateway["spec"].get("selector") or {} for gateway in gateways]
    found = [url for service in services if _is_before(service, selectors) for url in _urls(service)]
    return tuple(dict.fromkeys(found))


def _is_before(service: Json, selectors: Iterable[Mapping[str, str]]) -> bool:
    selected = service["spec"].get("selector") or {}
    wanted = [each for each in selectors if each] or [INGRESS_LABELS]
    return bool(selected) and any(
        each.items() <= selected.items() or selected.items() <= each.items() for each in wanted
    )


def _urls(service: Json) -> Iterator[str]:
    given = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    for at in given:
        address = at.get("hostname") or at.get("ip") or ""
        for port in service["spec"].get("ports") or ():
            if address and port["port"] != STATUS_PORT:
                yield _url(address, port)


def _url(address: str, port: Json) -> str:
    number, name = port["port"], port.get("name", "")
    scheme = "https" if number == HTTPS or name.startswith("https") else "http"
    host = f"[{address}]" if ":" in address else address
    return f"{scheme}://{host}" + ("" if number in {HTTP, HTTPS} else f":{number}")
