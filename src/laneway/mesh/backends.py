"""Where the requests to a port of a host can go: pods behind it, or endpoints given in its ServiceEntry.

Must not know Envoy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from laneway.mesh.hosts import Host, HostPort
from laneway.mesh.selection import selects
from laneway.mesh.world import Pod


@dataclass(frozen=True, slots=True)
class Backend:
    """An address to dial. name: of the pod, or the address itself. ready: takes new requests."""

    name: str
    address: str
    port: int
    ready: bool


def backends_of(host: Host, port: HostPort, labels: Mapping[str, str], pods: Iterable[Pod]) -> list[Backend]:
    """The backends of a port that carry the labels, which are a subset's. pods: those that the host selects.

    A pod that does not listen on the port's target is none.
    """
    given = [
        Backend(endpoint.address, endpoint.address, endpoint.ports[port.number], True)
        for endpoint in host.endpoints
        if selects(labels, endpoint.labels)
    ]
    found = [
        Backend(pod.name, pod.address, dialled, pod.ready)
        for pod in pods
        if selects(labels, pod.labels) and (dialled := _dialled(pod, port.target))
    ]
    return given + found


def _dialled(pod: Pod, target: int | str) -> int | None:
    """The port to dial for a container port, by number or by name."""
    number = pod.port_names.get(target) if isinstance(target, str) else target
    return pod.ports.get(number) if number is not None else None
