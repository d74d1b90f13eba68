"""What the mesh is told besides Istio objects: pods, and the proxies it serves; not how they run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Pipe:
    """A Unix socket in place of an address and a port."""

    path: str


@dataclass(frozen=True, slots=True)
class Pod:
    """A replica as its peers see it.

    address: IP that peers dial, or that stands for the pod where they dial pipes; ports: the port to dial at
    `address` for each container port; pipes: what peers dial instead, by container port, where the pod has a
    network of its own; port_names: container ports by name; ready: takes new requests.
    """

    namespace: str
    name: str
    labels: Mapping[str, str]
    address: str
    ports: Mapping[int, int]
    port_names: Mapping[str, int] = field(default_factory=dict)
    ready: bool = False
    pipes: Mapping[int, Pipe] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inbound:
    """A listener of a sidecar for its own application: from listen to app (address, port).

    name: of the container's port, where it has one.
    """

    container_port: int
    listen: tuple[str, int] | Pipe
    app: tuple[str, int]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Sidecar:
    """The proxy of one replica.

    outbound: where it takes its application's calls: as an HTTP proxy, or, where it is `transparent`, every
    connection that the pod's network redirects there, by its original destination. addresses: in a network
    that many pods share, the address of this caller's own for each host (full name), at whose ports it takes
    connections to that host; moved_ports: the port there in place of one that may not be bound. passthrough:
    where it leads what the mesh does not know, if that may pass, from a network without a way out; None:
    straight out; transit: where such a network redirects the connections that this proxy opens itself, which
    have `bootstrap.OWN_PRIORITY`: they are led out in any case. counted: whether it may serve older rules, so
    that a change is confirmed only with its acknowledgement (not while its pod has never been ready).
    """

    id: str
    namespace: str
    labels: Mapping[str, str]
    outbound: tuple[str, int]
    inbound: tuple[Inbound, ...]
    counted: bool = True
    transparent: bool = False
    addresses: Mapping[str, str] = field(default_factory=dict)
    moved_ports: Mapping[int, int] = field(default_factory=dict)
    passthrough: Pipe | None = None
    transit: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class GatewayProxy:
    """An ingress or egress gateway: serves the Gateways whose selector matches `labels`.

    ports: where each server port of those Gateways is bound on this machine, by server port;
    passthrough: where sidecars lead what the mesh does not know: it goes straight out from here.
    """

    id: str
    namespace: str
    labels: Mapping[str, str]
    ports: Mapping[int, tuple[str, int] | Pipe]
    counted: bool = True
    passthrough: Pipe | None = None


Proxy = Sidecar | GatewayProxy
