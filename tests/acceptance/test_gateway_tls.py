"""HTTPS at a second port of the ingress, with a certificate from a Secret."""

from __future__ import annotations

import base64
import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme
import yaml
from tests.acceptance.running import Laneway

pytestmark = pytest.mark.mesh

SYSTEM = """
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8000}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        command: [sh, -c, "exec python3 -m http.server --bind $HOST $PORT"]
        ports: [{containerPort: 8000}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: [web.test]}
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: [web.test]
    tls: {mode: SIMPLE, credentialName: web-cert}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web.test]
  gateways: [public]
  http: [{route: [{destination: {host: web}}]}]
---
"""


def secret(authority: trustme.CA) -> str:
    """A certificate for web.test, as `kubectl create secret tls` writes it."""
    issued = authority.issue_cert("web.test")
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
    data = {"tls.crt": chain, "tls.key": issued.private_key_pem.bytes()}
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": "web-cert", "namespace": "istio-system"},
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }
    return yaml.safe_dump(body)


def ask(url: str, authority: trustme.CA) -> int:
    """The status of a request for web.test, whose certificate is verified."""
    parts = urlsplit(url)
    assert parts.hostname and parts.port
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with (
        socket.create_connection((parts.hostname, parts.port), timeout=10) as raw,
        context.wrap_socket(raw, server_hostname="web.test") as connection,
    ):
        connection.sendall(b"GET / HTTP/1.1\r\nhost: web.test\r\nconnection: close\r\n\r\n")
        return int(connection.recv(64).split(b" ", 2)[1])


def test_a_second_port_of_the_ingress_speaks_https(laneway: Laneway, folder: Path) -> None:
    """Its URL is shown; without the Secret nothing starts; a renewed certificate counts."""
    first, second = trustme.CA(), trustme.CA()
    (folder / "system.yaml").write_text(SYSTEM)
    refused = laneway.run("up", "-f", str(folder), "--detach")
    assert refused.code != 0
    assert "LW316: there is no Secret istio-system/web-cert" in refused.err
    (folder / "secret.yaml").write_text(secret(first))
    plain, encrypted = laneway.up(folder)["urls"]
    assert plain == laneway.ingress
    assert encrypted.startswith("https://")
    assert encrypted in laneway.run("status").out
    assert ask(encrypted, first) == 200
    (folder / "secret.yaml").write_text(secret(second))
    laneway.apply(folder, "--wait")
    assert ask(encrypted, second) == 200
