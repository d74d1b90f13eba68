"""A proxy made by hand: it says to a real istiod what an Envoy would say, and can be told not to.

Owns one delta ADS stream on istiod's plaintext port, where everybody is believed. Must not know the code
under test.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import grpc

from laneway.mesh.protos import message, type_url

METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
CLUSTERS = type_url("envoy.config.cluster.v3.Cluster")
ENDPOINTS = type_url("envoy.config.endpoint.v3.ClusterLoadAssignment")
LISTENERS = type_url("envoy.config.listener.v3.Listener")
ROUTES = type_url("envoy.config.route.v3.RouteConfiguration")
_HCM = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"


class AdsProxy:
    """A sidecar, or a gateway with labels. What it has is in `has`, as bytes by type and name.

    silent: types that it takes in and does not acknowledge. refuses: types that it refuses, with this reason.
    """

    def __init__(self, istiod: str, pod: str, *, kind: str = "sidecar", labels: dict[str, str] | None = None):
        self.pod = pod
        self.silent: set[str] = set()
        self.refuses: dict[str, str] = {}
        self.has: dict[str, dict[str, bytes]] = {
            each: {} for each in (CLUSTERS, ENDPOINTS, LISTENERS, ROUTES)
        }
        self.changed = asyncio.Condition()
        self._istiod = istiod
        self._node = (kind, labels or {})
        self._subscribed: dict[str, set[str]] = {ENDPOINTS: set(), ROUTES: set()}
        self._unsaid: list[tuple[str, str]] = []
        self._call: Any = None

    async def run(self) -> None:
        """Until cancelled, or cut."""
        async with grpc.aio.insecure_channel(self._istiod) as channel:
            self._call = channel.stream_stream(METHOD)()
            first = _request(CLUSTERS)
            self._introduce(first)
            await self._call.write(first.SerializeToString())
            await self._send(LISTENERS)
            async for data in self._call:
                await self._hear(
                    message("envoy.service.discovery.v3.DeltaDiscoveryResponse").FromString(data)
                )

    async def until_it_has(self, marker: str) -> None:
        """Its routes have the marker."""
        await self.until(lambda: any(marker.encode() in data for data in self.has[ROUTES].values()))

    async def until(self, holds: Callable[[], bool]) -> None:
        """Something holds of what it has."""
        async with asyncio.timeout(20), self.changed:
            await self.changed.wait_for(holds)

    async def speak(self) -> None:
        """Acknowledge what it was silent about, and all from now on."""
        self.silent.clear()
        for url, nonce in self._unsaid:
            await self._send(url, nonce=nonce)
        self._unsaid.clear()

    def _introduce(self, request: Any) -> None:
        kind, labels = self._node
        namespace = self.pod.partition("/")[0]
        name = f"{self.pod.partition('/')[2]}.{namespace}"
        request.node.id = f"{kind}~10.9.8.7~{name}~{namespace}.svc.cluster.local"
        request.node.metadata.update(
            {"NAMESPACE": namespace, "CLUSTER_ID": "Kubernetes", "LABELS": labels, "INSTANCE_IPS": "10.9.8.7"}
        )

    async def _hear(self, response: Any) -> None:
        url = response.type_url
        for name in response.removed_resources:
            self.has[url].pop(name, None)
        self.has[url].update({each.name: each.resource.value for each in response.resources})
        if url in self.silent:
            self._unsaid.append((url, response.nonce))
        else:
            await self._send(url, nonce=response.nonce, error=self.refuses.get(url, ""))
        if url == CLUSTERS:
            await self._want(ENDPOINTS, {name for name in self.has[CLUSTERS] if name.startswith("outbound|")})
        if url == LISTENERS:
            await self._want(
                ROUTES, {name for data in self.has[LISTENERS].values() for name in _routes(data)}
            )
        async with self.changed:
            self.changed.notify_all()

    async def _want(self, url: str, names: set[str]) -> None:
        before, self._subscribed[url] = self._subscribed[url], names
        if names != before:
            await self._send(url, subscribe=names - before, unsubscribe=before - names)

    async def _send(self, url: str, **said: Any) -> None:
        await self._call.write(_request(url, **said).SerializeToString())


@asynccontextmanager
async def connected(proxy: AdsProxy) -> AsyncIterator[AdsProxy]:
    """Inside, the proxy is connected, and has its first routes."""
    running = asyncio.create_task(proxy.run())
    try:
        await proxy.until(lambda: bool(proxy.has[ROUTES]))
        yield proxy
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError, grpc.aio.AioRpcError):
            await running


def _request(url: str, subscribe: Any = (), unsubscribe: Any = (), nonce: str = "", error: str = "") -> Any:
    request = message("envoy.service.discovery.v3.DeltaDiscoveryRequest")(
        type_url=url,
        resource_names_subscribe=sorted(subscribe),
        resource_names_unsubscribe=sorted(unsubscribe),
        response_nonce=nonce,
    )
    if error:
        request.error_detail.code = 13
        request.error_detail.message = error
    return request


def _routes(data: bytes) -> set[str]:
    listener = message("envoy.config.listener.v3.Listener").FromString(data)
    return {
        name
        for chain in (*listener.filter_chains, listener.default_filter_chain)
        for each in chain.filters
        if each.typed_config.type_url.endswith(_HCM)
        and (name := message(_HCM).FromString(each.typed_config.value).rds.route_config_name)
    }
