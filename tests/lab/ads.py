"""A small client of an istiod's ADS, on its plaintext port or, with a token, on the secure one.

Owns one stream. It is the lab's own, so that the product's client is not proven by itself. Must not know what
the resources mean.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from tests.lab.istiod import SECURE_NAME

from laneway.mesh.protos import message, type_url

METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"
CLUSTERS = type_url("envoy.config.cluster.v3.Cluster")
ROUTES = type_url("envoy.config.route.v3.RouteConfiguration")
DEBUG = "istio.io/debug"
ANSWER_WITHIN_S = 20.0


@dataclass(frozen=True)
class Proxy:
    """Who a client says that it is."""

    name: str
    namespace: str
    address: str = "10.244.0.1"
    kind: str = "sidecar"

    @property
    def id(self) -> str:
        """As Envoys of Istio are called."""
        return f"{self.kind}~{self.address}~{self.name}.{self.namespace}~{self.namespace}.svc.cluster.local"


class Refused(Exception):  # noqa: N818 - it is read as a sentence
    """An istiod does not serve this client."""


class Stream:
    """One stream. Everything that comes is acknowledged."""

    def __init__(self, call: Any, proxy: Proxy) -> None:
        self._call = call
        self._proxy = proxy

    async def ask(self, kind: str, names: Sequence[str] = ()) -> list[Any]:
        """The resources of a kind, each as the Any that it came in; of all names, where none is given.

        Raises:
            Refused: the istiod has ended the stream.
            TimeoutError: it does not answer.
        """
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await self._answer(kind, names)
        except grpc.aio.AioRpcError as refusal:
            raise Refused(f"{refusal.code().name}: {refusal.details()}") from None

    async def _answer(self, kind: str, names: Sequence[str]) -> list[Any]:
        await self._call.write(self._request(kind, names))
        while True:
            answer = await self._call.read()
            if answer is grpc.aio.EOF:
                raise Refused("the stream has ended")
            await self._call.write(self._request(answer.type_url, names, answer))
            if answer.type_url == kind:
                return list(answer.resources)

    def _request(self, kind: str, names: Sequence[str], answer: Any = None) -> Any:
        request = message("envoy.service.discovery.v3.DiscoveryRequest")(type_url=kind, resource_names=names)
        request.node.id = self._proxy.id
        request.node.metadata.update({"NAMESPACE": self._proxy.namespace, "CLUSTER_ID": "Kubernetes"})
        if answer is not None:
            request.version_info, request.response_nonce = answer.version_info, answer.nonce
        return request


@asynccontextmanager
async def stream(
    address: str, proxy: Proxy, *, token: str | None = None, authority: Path | None = None
) -> AsyncIterator[Stream]:
    """A stream to `address:port`; with an authority to check, it is the secure port that is meant."""
    async with _channel(address, authority) as channel:
        opened = channel.stream_stream(
            METHOD,
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=message("envoy.service.discovery.v3.DiscoveryResponse").FromString,
        )
        call = opened(metadata=[("authorization", f"Bearer {token}")] if token else None)
        try:
            yield Stream(call, proxy)
        finally:
            call.cancel()


def _channel(address: str, authority: Path | None) -> Any:
    if authority is None:
        return grpc.aio.insecure_channel(address)
    credentials = grpc.ssl_channel_credentials(authority.read_bytes())
    return grpc.aio.secure_channel(address, credentials, [("grpc.ssl_target_name_override", SECURE_NAME)])
