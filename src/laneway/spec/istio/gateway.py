"""Gateway: ports that gateway proxies listen on.

Field meanings and defaults: Istio's API reference (networking.istio.io/v1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from laneway.spec.istio.common import NetworkingVersion, Port
from laneway.spec.meta import Model, Object

TLSVersion = Literal["TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3"]


class ServerTLSSettings(Model):
    """What a server does with TLS. Certificates are files, or a Secret in the gateway's namespace."""

    unsupported: ClassVar[Mapping[str, str]] = {
        "subjectAltNames": "remove it, and let clients in by a CA of their own, in `caCertificates`",
        "verifyCertificateSpki": "remove it, and let clients in by a CA of their own, in `caCertificates`",
        "verifyCertificateHash": "remove it, and let clients in by a CA of their own, in `caCertificates`",
        "credentialNames": "write `credentialName`; a second one is another server's",
        "tlsCertificates": "write `serverCertificate` and `privateKey`; a second one is another server's",
        "caCertCredentialName": "write the CA as `ca.crt` into the Secret of `credentialName`",
        "caCrl": "remove it: lists of revoked certificates are not read",
    }

    refused_values: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "mode": {
            "AUTO_PASSTHROUGH": "write PASSTHROUGH, and rules in `tls` of a VirtualService",
            "ISTIO_MUTUAL": "write MUTUAL, with certificates of your own",
        }
    }

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

    unsupported: ClassVar[Mapping[str, str]] = {
        "bind": "remove it: where gateways listen on this machine is Laneway's to say",
        "defaultEndpoint": "write a VirtualService that is bound to the Gateway",
    }

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
