"""Of a Gateway."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.mesh.refusals.common import HOST_PATTERN, Finding
from laneway.spec.istio import Gateway, GatewayServer, ServerTLSSettings
from laneway.spec.protocols import Protocol, named


def gateway(value: Gateway) -> Iterator[Finding]:
    """All that is wrong with a Gateway."""
    if not value.spec.selector:
        yield "selector", "give the labels of the gateway that serves it, like {istio: ingressgateway}"
    for index, server in enumerate(value.spec.servers):
        for field, text in _tls(server):
            yield f"servers[{index}].{field}", text
        if server.port.target_port is not None:
            yield f"servers[{index}].port.targetPort", "Istio ignores it; leave it out"
        for position, host in enumerate(server.hosts):
            if not HOST_PATTERN.fullmatch(host.rpartition("/")[2]):
                yield f"servers[{index}].hosts[{position}]", f"{host!r} is not a host, `*.suffix` or `*`"


def _tls(server: GatewayServer) -> Iterator[Finding]:
    """What its protocol and its TLS settings say that does not go together."""
    tls, protocol = server.tls, named(server.port.protocol) or Protocol.HTTP
    encrypted = protocol in {Protocol.HTTPS, Protocol.TLS}
    if tls is None:
        if encrypted:
            yield (
                "tls",
                f"a server of {server.port.protocol} needs `tls`: a mode, and a certificate or PASSTHROUGH",
            )
        return
    if not encrypted:
        if tls.mode is not None:
            yield "tls.mode", f"no TLS ends at a server of {server.port.protocol}; write HTTPS or TLS"
        if tls.https_redirect and not protocol.http:
            yield "tls.httpsRedirect", "only clients of HTTP can be sent on to HTTPS"
        return
    if tls.https_redirect:
        yield "tls.httpsRedirect", "put it on the server of port 80: clients of this one speak TLS already"
    if tls.mode is None:
        yield "tls.mode", "write SIMPLE, MUTUAL, OPTIONAL_MUTUAL or PASSTHROUGH"
    elif tls.mode != "PASSTHROUGH":
        yield from _certificates(tls)


def _certificates(tls: ServerTLSSettings) -> Iterator[Finding]:
    files = {"serverCertificate": tls.server_certificate, "privateKey": tls.private_key}
    if tls.mode != "SIMPLE":
        files["caCertificates"] = tls.ca_certificates
    if tls.credential_name:
        for field, path in files.items():
            if path:
                yield f"tls.{field}", "give either files or `credentialName`"
    else:
        for field, path in files.items():
            if not path:
                yield f"tls.{field}", f"{tls.mode} needs it, or a Secret by `credentialName`"
