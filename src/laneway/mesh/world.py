"""What the mesh is told besides Istio objects: pods, and the proxies it serves; not how they run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Pod:
    """A replica as its peers see it.

    address: IP that peers dial; ports: the port to dial at `address` for each container port; port_names:
    container ports by name; ready: takes new requests.
    """

    namespace: str
    name: str
    labels: Mapping[str, str]
    address: str
    ports: Mapping[int, int]
    port_names: Mapping[str, int] = field(default_factory=dict)
    ready: bool = False


@dataclass(frozen=True, slots=True)
class Inbound:
    """A listener of a sidecar for its own application: from listen (address, port) to app (address, port)."""

    container_port: int
    listen: tuple[str, int]
    app: tuple[str, int]


@dataclass(frozen=True, slots=True)
class Sidecar:
    """The proxy of one replica. outbound: where it accepts the application's calls as an HTTP proxy.

    counted: whether it may serve older rules, so that a change is confirmed only with its acknowledgement
    (not while its pod has never been ready).
    """

    id: str
    namespace: str
    labels: Mapping[str, str]
    outbound: tuple[str, int]
    inbound: tuple[Inbound, ...]
    counted: bool = True


@dataclass(frozen=True, slots=True)
class GatewayProxy:
    """An ingress or egress gateway: serves the Gateways whose selector matches `labels`.

    ports: where each server port of those Gateways is bound on this machine, (address, port) by server port.
    """

    id: str
    namespace: str
    labels: Mapping[str, str]
    ports: Mapping[int, tuple[str, int]]
    counted: bool = True


Proxy = Sidecar | GatewayProxy
