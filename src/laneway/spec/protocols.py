"""Protocols of ports, as Istio tells them: by `appProtocol`, the name's prefix, or a ServiceEntry's field.

Must not know hosts, nor what a proxy does with a protocol.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator

OTHER_TRANSPORTS = dict.fromkeys(("UDP", "SCTP"), "remove the port: proxies carry TCP alone")
"""Kubernetes' transports that are refused, with what to do instead."""


class Protocol(StrEnum):
    """What is spoken at a port. The last three are opaque: bytes, or a name (SNI) and bytes."""

    HTTP = "http"
    HTTP2 = "http2"
    GRPC = "grpc"
    GRPC_WEB = "grpc-web"
    HTTPS = "https"
    TLS = "tls"
    TCP = "tcp"

    @property
    def http(self) -> bool:
        """Proxies read its requests."""
        return self not in {Protocol.HTTPS, Protocol.TLS, Protocol.TCP}

    @property
    def sni(self) -> bool:
        """Its connections begin with the name of a server, which can be read."""
        return self in {Protocol.HTTPS, Protocol.TLS}

    @property
    def http2(self) -> bool:
        """Its servers speak HTTP/2 with prior knowledge. A client of gRPC-Web may not; its server does."""
        return self in {Protocol.HTTP2, Protocol.GRPC, Protocol.GRPC_WEB}


_OTHER_NAMES = {
    "mongo": Protocol.TCP,
    "mysql": Protocol.TCP,
    "redis": Protocol.TCP,
    "kubernetes.io/h2c": Protocol.HTTP2,
    "kubernetes.io/ws": Protocol.HTTP,
    "kubernetes.io/wss": Protocol.HTTPS,
}
"""Istio reads Mongo, MySQL and Redis only where that is switched on; by default their bytes pass as TCP."""

NOT_SERVED = frozenset({"udp", "hbone"})
"""Prefixes that Istio knows and a mesh of HTTP and TCP has no place for."""

_SERVER_FIRST = frozenset({25, 53, 3306, 27017})
"""SMTP, DNS, MySQL, MongoDB: Istio takes an undeclared port of these numbers as TCP."""


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


AppProtocol = Annotated[
    Literal[
        "http", "http2", "grpc", "grpc-web", "https", "tls", "tcp", "mongo", "mysql", "redis",
        "kubernetes.io/h2c", "kubernetes.io/ws", "kubernetes.io/wss",
    ],
    BeforeValidator(_lower),
]  # fmt: skip
"""`appProtocol` of a Service's port. Source: Istio's protocol selection."""

PortProtocol = Annotated[
    Literal["HTTP", "HTTP2", "GRPC", "GRPC-WEB", "HTTPS", "TLS", "TCP", "MONGO", "MYSQL", "REDIS"],
    BeforeValidator(_upper),
]
"""`protocol` of a port of a Gateway or ServiceEntry."""


def named(name: str) -> Protocol | None:
    """The protocol of this name, in either case; None where it is none."""
    lower = name.lower()
    return _OTHER_NAMES.get(lower) or next((known for known in Protocol if known == lower), None)


def prefix(port_name: str) -> str:
    """The part of a port's name that declares a protocol: what precedes the first dash."""
    lower = port_name.lower()
    return "grpc-web" if lower.startswith("grpc-web") else lower.partition("-")[0]


def of_service_port(app_protocol: str | None, name: str, number: int) -> Protocol:
    """The protocol of a Service's port: of its `appProtocol`, else its name, else HTTP.

    Istio looks at the first bytes where nothing is declared; here such a port is HTTP, except the well-known
    ones whose server speaks first.
    """
    undeclared = Protocol.TCP if number in _SERVER_FIRST else Protocol.HTTP
    return named(app_protocol or prefix(name)) or undeclared
