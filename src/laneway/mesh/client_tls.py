"""TLS from a proxy to the endpoints of a cluster, as a DestinationRule says.

Owns how names and certificates are verified. Must not read the files that it names, but knows where systems
keep the certificates that they trust.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from laneway.mesh.connection_pools import speaks_http2
from laneway.mesh.protos import any_of, enum, message
from laneway.spec.istio import ClientTLS, ConnectionPool
from laneway.spec.protocols import Protocol

_TLS = "envoy.extensions.transport_sockets.tls.v3"

_ROOTS = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Debian and Alpine, Red Hat, SUSE, its newer releases, BSD and macOS."""


@cache
def system_roots() -> str:
    """The file of the certificates that this machine trusts; Debian's where none of the known ones exists."""
    return next((path for path in _ROOTS if Path(path).is_file()), _ROOTS[0])


def files_of(tls: ClientTLS | None) -> dict[str, str]:
    """The files that proxies read for it, by field."""
    if tls is None or tls.mode == "DISABLE":
        return {}
    found = {"clientCertificate": tls.client_certificate, "privateKey": tls.private_key}
    if not tls.insecure_skip_verify:
        found["caCertificates"] = tls.ca_certificates or system_roots()
    return {field: path for field, path in found.items() if path}


def naming(tls: ClientTLS | None, names: Sequence[str]) -> ClientTLS | None:
    """The settings with these names of certificates, where they name none and verify any."""
    if tls is None or not names or tls.subject_alt_names or tls.insecure_skip_verify:
        return tls
    return tls.model_copy(update={"subject_alt_names": list(names)})


def encrypt(cluster: Any, protocol: Protocol, pool: ConnectionPool | None, tls: ClientTLS | None) -> None:
    """Let a cluster connect by TLS 1.2 or 1.3.

    Where the certificate's names are left open, those of a request's host are verified in its stead
    (`connection_pools`); where no request is read, the name that is asked for.
    """
    if tls is None or tls.mode == "DISABLE":
        return
    context = message(f"{_TLS}.UpstreamTlsContext")(sni=tls.sni or "")
    common = context.common_tls_context
    for bound, version in (("minimum", "TLSv1_2"), ("maximum", "TLSv1_3")):
        field = f"tls_{bound}_protocol_version"
        setattr(common.tls_params, field, enum(f"{_TLS}.TlsParameters.TlsProtocol", version))
    if protocol.http and speaks_http2(protocol, pool):
        common.alpn_protocols.append("h2")
    if tls.client_certificate and tls.private_key:
        certificate = common.tls_certificates.add()
        certificate.certificate_chain.filename = tls.client_certificate
        certificate.private_key.filename = tls.private_key
    if not tls.insecure_skip_verify:
        common.validation_context.trusted_ca.filename = tls.ca_certificates or system_roots()
        asked = [tls.sni] if tls.sni and not protocol.http else []
        _verify_names(common.validation_context, tls.subject_alt_names or asked)
    cluster.transport_socket.name = "envoy.transport_sockets.tls"
    cluster.transport_socket.typed_config.CopyFrom(any_of(context))


def _verify_names(context: Any, names: list[str]) -> None:
    for name in names:
        matcher = context.match_typed_subject_alt_names.add()
        matcher.san_type = matcher.SanType.Value(_kind(name))
        matcher.matcher.exact = name


def _kind(name: str) -> str:
    if "://" in name:
        return "URI"
    try:
        ip_address(name)
    except ValueError:
        return "DNS"
    return "IP_ADDRESS"
