"""Where the requests to a port of a host can go: pods behind it, or endpoints given in its ServiceEntry.

Must not know Envoy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from laneway.mesh.hosts import Host, HostPort
from laneway.mesh.selection import selects
from laneway.mesh.world import Pipe, Pod


@dataclass(frozen=True, slots=True)
class Backend:
    """An address to dial. name: of the pod, or the address itself. ready: takes new requests.

    pipe: what is dialled instead, where there is one; then the port is the container's; weight: relative to
    that of the others.
    """

    name: str
    address: str
    port: int
    ready: bool
    pipe: Pipe | None = None
    weight: int = 1


def backends_of(host: Host, port: HostPort, labels: Mapping[str, str], pods: Iterable[Pod]) -> list[Backend]:
    """The backends of a port that carry the labels, which are a subset's. pods: those that the host selects.

    A pod that does not listen on the port's target is none.
    """
    given = [
        Backend(endpoint.address, endpoint.address, endpoint.ports[port.number], True, None, endpoint.weight)
        for endpoint in host.endpoints
        if selects(labels, endpoint.labels)
    ]
    found = [
        backend for pod in pods if selects(labels, pod.labels) and (backend := _backend(pod, port.target))
    ]
    return given + found


def _backend(pod: Pod, target: int | str) -> Backend | None:
    """The pod at a container port, by number or by name."""
    number = pod.port_names.get(target) if isinstance(target, str) else target
    if number is None:
        return None
    if pipe := pod.pipes.get(number):
        return Backend(pod.name, pod.address, number, pod.ready, pipe)
    dialled = pod.ports.get(number)
    return Backend(pod.name, pod.address, dialled, pod.ready) if dialled else None
