"""Gateway: ports that gateway proxies listen on.

Field meanings and defaults: Istio's API reference (networking.istio.io/v1).
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from laneway.spec.istio.common import NetworkingVersion, Port
from laneway.spec.meta import Model, Object

TLSVersion = Literal["TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3"]


class ServerTLSSettings(Model):
    """What a server does with TLS. Certificates are files, or a Secret in the gateway's namespace."""

    unsupported: ClassVar[frozenset[str]] = frozenset(
        {"subjectAltNames", "verifyCertificateSpki", "verifyCertificateHash", "credentialNames",
         "tlsCertificates", "caCertCredentialName", "caCrl"}
    )  # fmt: skip

    mode: Literal["PASSTHROUGH", "SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL"] | None = None
    https_redirect: bool = False
    server_certificate: str = ""
    private_key: str = ""
    ca_certificates: str = ""
    credential_name: str = ""
    min_protocol_version: TLSVersion = "TLS_AUTO"
    max_protocol_version: TLSVersion = "TLS_AUTO"
    cipher_suites: list[str] = Field(default_factory=list)

    @property
    def files(self) -> dict[str, str]:
        """The files that it names, by field."""
        found = {
            "serverCertificate": self.server_certificate,
            "privateKey": self.private_key,
            "caCertificates": self.ca_certificates,
        }
        return {field: path for field, path in found.items() if path}


class GatewayServer(Model):
    """A port that a gateway listens on, for these hosts (`host` or `namespace/host`)."""

    unsupported: ClassVar[frozenset[str]] = frozenset({"bind", "defaultEndpoint"})

    name: str | None = None
    port: Port
    hosts: list[str] = Field(min_length=1)
    tls: ServerTLSSettings | None = None


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
