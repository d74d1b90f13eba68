"""A client's side of delta ADS: messages as values, and a stream of them.

Owns bytes in and out. Must not know what is subscribed to, nor what it means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import grpc

from laneway.mesh.protos import message, type_url

METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
CLUSTERS = type_url("envoy.config.cluster.v3.Cluster")
ENDPOINTS = type_url("envoy.config.endpoint.v3.ClusterLoadAssignment")
LISTENERS = type_url("envoy.config.listener.v3.Listener")
ROUTES = type_url("envoy.config.route.v3.RouteConfiguration")
DEBUG = "istio.io/debug"
"""istiod's own type: questions, answered once each."""


@dataclass(frozen=True, slots=True)
class Response:
    """changed: serialised resources by name."""

    type_url: str
    nonce: str
    changed: Mapping[str, bytes]
    removed: tuple[str, ...] = ()


class EndedError(Exception):
    """istiod ended a stream without an error."""


class Stream:
    """One stream, opened with the first thing sent. Everything raises grpc.aio.AioRpcError and EndedError."""

    def __init__(
        self, channel: Any, metadata: tuple[tuple[str, str], ...], node: tuple[str, Mapping[str, Any]]
    ) -> None:
        self._call = channel.stream_stream(METHOD)(metadata=metadata)
        self._node: tuple[str, Mapping[str, Any]] | None = node
        self._writing = asyncio.Lock()

    async def send(
        self,
        type_url: str,
        subscribe: Collection[str] = (),
        unsubscribe: Collection[str] = (),
        nonce: str = "",
    ) -> None:
        """Acknowledge the response with this nonce, or without one change what is subscribed to."""
        async with self._writing:
            request = self._request(type_url, subscribe, unsubscribe, nonce)
            try:
                await self._call.write(request.SerializeToString())
            except asyncio.InvalidStateError as error:
                raise EndedError("it ended the stream") from error

    def _request(
        self, type_url: str, subscribe: Collection[str], unsubscribe: Collection[str], nonce: str
    ) -> Any:
        request = _request()(
            type_url=type_url,
            resource_names_subscribe=subscribe,
            resource_names_unsubscribe=unsubscribe,
            response_nonce=nonce,
        )
        if self._node:
            request.node.id = self._node[0]
            request.node.metadata.update(self._node[1])
            self._node = None
        return request

    async def receive(self) -> Response:
        """What istiod says next."""
        data = await self._call.read()
        if data is grpc.aio.EOF:
            raise EndedError("it ended the stream")
        return _decode(data)

    def close(self) -> None:
        """End the stream."""
        self._call.cancel()


def _decode(data: bytes) -> Response:
    wire = _response().FromString(data)
    return Response(
        type_url=wire.type_url,
        nonce=wire.nonce,
        changed={item.name: item.resource.value for item in wire.resources},
        removed=tuple(wire.removed_resources),
    )


@cache
def _request() -> Any:
    return message("envoy.service.discovery.v3.DeltaDiscoveryRequest")


@cache
def _response() -> Any:
    return message("envoy.service.discovery.v3.DeltaDiscoveryResponse")
