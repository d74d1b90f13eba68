"""TLS that ends at a gateway: certificates, and what clients must offer. Must not know hosts or routes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from laneway.mesh.protos import any_of, enum, message
from laneway.mesh.registry import Registry
from laneway.spec.credentials import Lack, credentials_of, verifies_clients
from laneway.spec.istio import ServerTLSSettings

Data = str | bytes
"""A file by its path, or content."""

HTTP_PROTOCOLS = ("h2", "http/1.1")
"""What a gateway offers by ALPN to clients of HTTP."""


@dataclass(frozen=True, slots=True)
class Termination:
    """How TLS ends at a server. ca: what clients' certificates are verified with; None: none is asked for."""

    settings: ServerTLSSettings
    chain: Data
    key: Data = field(repr=False)
    ca: Data | None = None
    protocols: tuple[str, ...] = HTTP_PROTOCOLS


def termination_of(
    settings: ServerTLSSettings, namespace: str, registry: Registry, protocols: tuple[str, ...]
) -> Termination | None:
    """The server's certificates; None while its Secret, of the gateway's own namespace, lacks them."""
    if not settings.credential_name:
        ca = settings.ca_certificates if verifies_clients(settings) else None
        return Termination(settings, settings.server_certificate, settings.private_key, ca, protocols)
    found = credentials_of(settings, namespace, registry.secret)
    if isinstance(found, Lack):
        return None
    return Termination(settings, found.chain, found.key, found.ca, protocols)


def transport_socket(termination: Termination) -> Any:
    """Envoy's transport socket of a listener that ends TLS."""
    settings = termination.settings
    context = message("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext")()
    context.require_client_certificate.value = settings.mode == "MUTUAL"
    common = context.common_tls_context
    common.alpn_protocols.extend(termination.protocols)
    certificate = common.tls_certificates.add()
    _fill(certificate.certificate_chain, termination.chain)
    _fill(certificate.private_key, termination.key)
    if termination.ca is not None:
        _fill(common.validation_context.trusted_ca, termination.ca)
    version = "envoy.extensions.transport_sockets.tls.v3.TlsParameters.TlsProtocol"
    lowest = settings.min_protocol_version
    # Istio's default for the lowest; Envoy's own would be the same today.
    common.tls_params.tls_minimum_protocol_version = enum(
        version, "TLSv1_2" if lowest == "TLS_AUTO" else _envoys(lowest)
    )
    common.tls_params.tls_maximum_protocol_version = enum(version, _envoys(settings.max_protocol_version))
    common.tls_params.cipher_suites.extend(settings.cipher_suites)
    socket = message("envoy.config.core.v3.TransportSocket")(name="envoy.transport_sockets.tls")
    socket.typed_config.CopyFrom(any_of(context))
    return socket


def _envoys(version: str) -> str:
    """Envoy's name of a version of TLS."""
    return version.replace("TLSV", "TLSv")


def _fill(source: Any, data: Data) -> None:
    if isinstance(data, bytes):
        source.inline_bytes = data
    else:
        source.filename = data
