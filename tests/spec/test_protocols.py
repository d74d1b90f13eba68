"""A port's protocol, as Istio selects it."""

from __future__ import annotations

import pytest

from laneway.spec.check import check
from laneway.spec.istio import Port
from laneway.spec.kubernetes import ServicePort
from laneway.spec.load import Source, load
from laneway.spec.protocols import Protocol, named, of_service_port


@pytest.mark.parametrize(
    ("app_protocol", "name", "number", "protocol"),
    [
        (None, "", 80, Protocol.HTTP),
        (None, "web", 80, Protocol.HTTP),
        (None, "http-admin", 80, Protocol.HTTP),
        (None, "http2", 80, Protocol.HTTP2),
        (None, "grpc-orders", 80, Protocol.GRPC),
        (None, "grpc-web", 80, Protocol.GRPC_WEB),
        (None, "grpc-web-orders", 80, Protocol.GRPC_WEB),
        (None, "https", 80, Protocol.HTTPS),
        (None, "tls-a", 80, Protocol.TLS),
        (None, "tcp", 80, Protocol.TCP),
        (None, "redis-cache", 80, Protocol.TCP),
        (None, "httpx", 80, Protocol.HTTP),
        (None, "", 3306, Protocol.TCP),
        (None, "http", 3306, Protocol.HTTP),
        ("kubernetes.io/h2c", "http", 80, Protocol.HTTP2),
        ("kubernetes.io/ws", "tcp", 80, Protocol.HTTP),
        ("kubernetes.io/wss", "", 80, Protocol.HTTPS),
        ("mongo", "http", 80, Protocol.TCP),
        ("grpc", "http", 3306, Protocol.GRPC),
    ],
)
def test_app_protocol_then_prefix_then_http(
    app_protocol: str | None, name: str, number: int, protocol: Protocol
) -> None:
    """A well-known port whose server speaks first is TCP where nothing is declared."""
    assert of_service_port(app_protocol, name, number) is protocol


def test_case_does_not_matter() -> None:
    """In fields, as in Istio."""
    port = ServicePort.model_validate({"port": 80, "appProtocol": "GRPC"})
    assert port.app_protocol == "grpc"
    assert Port.model_validate({"number": 80, "name": "a", "protocol": "Grpc"}).protocol == "GRPC"


def test_every_protocol_of_an_entry_is_known() -> None:
    """So that none is served as another."""
    found = {name: named(name) for name in ("HTTP", "HTTP2", "GRPC", "HTTPS", "TLS", "TCP", "MONGO", "nil")}
    assert list(found.values()) == [
        Protocol.HTTP,
        Protocol.HTTP2,
        Protocol.GRPC,
        Protocol.HTTPS,
        Protocol.TLS,
        Protocol.TCP,
        Protocol.TCP,
        None,
    ]


def test_an_app_is_told_that_connections_have_no_weights() -> None:
    """As a warning at the port; a port of HTTP beside it is not named."""
    text = """
apiVersion: laneway.dev/v1alpha1
kind: App
metadata: {name: store}
spec:
  workload: {template: {spec: {containers: [{name: a, ports: [{containerPort: 80}, {containerPort: 6379}]}]}}}
  service: {ports: [{name: http, port: 80}, {name: tcp-store, port: 6379}]}
"""
    loaded = load([Source("store.yaml", text)])
    (problem,) = check(loaded)
    assert not problem.is_error
    assert str(problem).startswith(
        "store.yaml:7:45: warning LW231: port 6379 carries tcp: its connections go to the pods of every "
        "version alike, without weights or lanes; declare HTTP, HTTP/2 or gRPC where that is spoken; "
    )
