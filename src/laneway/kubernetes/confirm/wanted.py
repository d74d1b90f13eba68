"""What is to be confirmed, as the engine says it.

Must not know how it is found out, nor why it is wanted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

Selector = tuple[tuple[str, str], ...]
"""The labels by which a Gateway selects its proxies, sorted."""


class Pod(NamedTuple):
    """A pod with a proxy. gateway: the proxy is a gateway and not a sidecar."""

    namespace: str
    name: str
    gateway: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """A VirtualService as it was written last.

    marker: what its rules' names end in. hosts: as fully qualified names. mesh: it applies to sidecars.
    gateways: the selectors of the Gateways that it names.
    """

    marker: str
    hosts: tuple[str, ...] = ()
    mesh: bool = True
    gateways: frozenset[Selector] = frozenset()


def selector(labels: dict[str, str]) -> Selector:
    """A Gateway's `spec.selector` as a value."""
    return tuple(sorted(labels.items()))


def host_of(cluster: str) -> str:
    """The host of a cluster's name, `outbound|80|r-abc|host`; "" for another kind of name."""
    return cluster.rsplit("|", 1)[-1] if cluster.count("|") == 3 else ""
