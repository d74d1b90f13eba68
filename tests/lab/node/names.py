"""The names that pods are told: of Services, and of what ServiceEntries stand for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from laneway.local.netns.dns import ZONE

ELSEWHERE = "240.240.255.254"
"""What a host without an address resolves to: the sidecar goes by the name in the request."""

Object = Mapping[str, Any]


def names(services: Iterable[Object], entries: Iterable[Object]) -> dict[str, str]:
    """Addresses by full name. A headless Service has none."""
    return dict([*_of_entries(entries), *_of_services(services)])


def _of_services(services: Iterable[Object]) -> Iterator[tuple[str, str]]:
    for service in services:
        address = service["spec"].get("clusterIP")
        if address and address != "None":
            meta = service["metadata"]
            yield f"{meta['name']}.{meta['namespace']}.svc.{ZONE}", address


def _of_entries(entries: Iterable[Object]) -> Iterator[tuple[str, str]]:
    for entry in entries:
        given = [each for each in entry["spec"].get("addresses", []) if "/" not in each]
        assigned = [each["value"] for each in entry.get("status", {}).get("addresses", [])]
        found = [each for each in (*given, *assigned) if ":" not in each]
        for host in entry["spec"]["hosts"]:
            if not host.startswith("*"):
                yield host.lower(), found[0] if found else ELSEWHERE
