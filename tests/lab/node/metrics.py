"""metrics.k8s.io: what pods use, served to the API server's clients as metrics-server does; for autoscalers.

    async with Metrics(lab, node):
        ...

Source: k8s.io/metrics, pkg/apis/metrics/v1beta1. Must not know how use is measured.
"""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web
from tests.lab.api import Api, Object
from tests.lab.certificates import Authority
from tests.lab.node.cluster import Cluster
from tests.lab.node.node import Node
from tests.lab.node.pod import Pod
from tests.lab.node.use import Meter, Use

_GROUP, _VERSION = "metrics.k8s.io", "v1beta1"
_ROOT = f"/apis/{_GROUP}/{_VERSION}"
_SERVICE = {"name": "metrics-server", "namespace": "kube-system"}
_HOST = "localhost"


class Metrics:
    """Serves from `async with` to its end."""

    def __init__(self, lab: Cluster, node: Node) -> None:
        self._lab = lab
        self._node = node
        self._meter = Meter()
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._api = await self._exit.enter_async_context(
            Api(self._lab.server, self._lab.authority, self._lab.token())
        )
        port = await self._serve()
        for each in (_service(port), _registration(port)):
            await self._api.apply(each)
            self._exit.push_async_callback(self._api.delete, each)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    async def _serve(self) -> int:
        """The port."""
        application = web.Application()
        application.router.add_get(_ROOT, _kinds)
        application.router.add_get(f"{_ROOT}/pods", self._list)
        application.router.add_get(f"{_ROOT}/namespaces/{{namespace}}/pods", self._list)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        self._exit.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=_tls())
        await site.start()
        port: int = runner.addresses[0][1]
        return port

    async def _list(self, request: web.Request) -> web.Response:
        within = request.match_info.get("namespace")
        path = f"/api/v1/namespaces/{within}/pods" if within else "/api/v1/pods"
        chosen = {name: request.query[name] for name in ("labelSelector",) if name in request.query}
        listed = (await self._api.get(path, **chosen))["items"]
        wanted = {each["metadata"]["uid"] for each in listed}
        pods = [pod for pod in self._node.all_pods() if pod.uid in wanted]
        used = self._meter.read(
            {leader for pod in self._node.all_pods() for leader in _leaders(pod).values()}
        )
        items = [each for pod in pods if (each := _measured(pod, used)) is not None]
        return web.json_response(
            {"kind": "PodMetricsList", "apiVersion": f"{_GROUP}/{_VERSION}", "metadata": {}, "items": items}
        )


def _leaders(pod: Pod) -> dict[str, int]:
    """The process of each container of a pod's own that runs."""
    return {
        each.state.name: each.process.identity.pid
        for each in pod.own
        if each.process is not None and each.process.running
    }


def _measured(pod: Pod, used: Mapping[int, Use]) -> Object | None:
    """None for a pod of which not all is known, as one that has just started."""
    leaders = _leaders(pod)
    if not leaders or not set(leaders.values()) <= used.keys():
        return None
    uses = {name: used[leader] for name, leader in leaders.items()}
    meta = pod.body["metadata"]
    return {
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": meta.get("labels", {}),
            "creationTimestamp": _now(),
        },
        "timestamp": _now(),
        "window": f"{max(each.window_seconds for each in uses.values()):.3f}s",
        "containers": [
            {"name": name, "usage": {"cpu": f"{each.cpu}n", "memory": f"{each.memory // 1024}Ki"}}
            for name, each in uses.items()
        ],
    }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _kinds(_: web.Request) -> web.Response:
    pods = {"name": "pods", "singularName": "", "namespaced": True, "kind": "PodMetrics", "verbs": ["list"]}
    return web.json_response(
        {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": f"{_GROUP}/{_VERSION}",
            "resources": [pods],
        }
    )


def _service(port: int) -> Object:
    """By a name of this machine: the API server looks for it there, not at an address of the cluster."""
    spec = {"type": "ExternalName", "externalName": _HOST, "ports": [{"port": port}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _SERVICE, "spec": spec}


def _registration(port: int) -> Object:
    spec = {
        "service": {**_SERVICE, "port": port},
        "group": _GROUP,
        "version": _VERSION,
        "insecureSkipTLSVerify": True,
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
    }
    meta = {"name": f"{_VERSION}.{_GROUP}"}
    return {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": meta, "spec": spec}


def _tls() -> ssl.SSLContext:
    pair = Authority("lab metrics").server([_HOST])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = Path(folder, "certificate"), Path(folder, "key")
        certificate.write_bytes(pair.certificate)
        key.write_bytes(pair.key)
        context.load_cert_chain(certificate, key)
    return context
