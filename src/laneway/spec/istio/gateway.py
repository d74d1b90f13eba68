"""Gateway: ports that gateway proxies listen on.

Field meanings and defaults: Istio's API reference (networking.istio.io/v1).
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from laneway.spec.istio.common import NetworkingVersion, Port
from laneway.spec.meta import Model, Object


class GatewayServer(Model):
    """A port that a gateway listens on, for these hosts (`host` or `namespace/host`)."""

    unsupported: ClassVar[frozenset[str]] = frozenset({"tls", "bind", "defaultEndpoint"})

    name: str | None = None
    port: Port
    hosts: list[str] = Field(min_length=1)


class GatewaySpec(Model):
    """Servers of the gateway proxies whose labels match."""

    selector: dict[str, str] = Field(default_factory=dict)
    servers: list[GatewayServer] = Field(min_length=1)


class Gateway(Object):
    """networking.istio.io Gateway."""

    inert: ClassVar[frozenset[str]] = frozenset({"status"})

    api_version: NetworkingVersion = "networking.istio.io/v1"
    kind: Literal["Gateway"] = "Gateway"
    spec: GatewaySpec
