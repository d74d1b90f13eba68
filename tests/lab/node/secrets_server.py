"""The secret discovery service that Istio's agent is to its Envoy; here one for all Envoys of a node.

Answers by who asks: the node's metadata names its service account. Must not know how certificates are made.
Source: envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets; Istio, security/pkg/nodeagent/sds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
from tests.lab.node.identities import Identities

from laneway.mesh.protos import any_of, message

OWN, TRUSTED = "default", "ROOTCA"
"""Names of secrets: the Envoy's own certificate, and whom it trusts."""

_SERVICE, _METHOD = "envoy.service.secret.v3.SecretDiscoveryService", "StreamSecrets"
_SECRET = "envoy.extensions.transport_sockets.tls.v3.Secret"


class SecretsServer:
    """Serves on a Unix socket. Use as `async with`."""

    def __init__(self, path: Path, identities: Identities) -> None:
        self._path = path
        self._identities = identities
        self._server = grpc.aio.server()

    async def __aenter__(self) -> Self:
        handler = grpc.stream_stream_rpc_method_handler(
            self._stream,
            message("envoy.service.discovery.v3.DiscoveryRequest").FromString,
            lambda answer: answer.SerializeToString(),
        )
        handlers = grpc.method_handlers_generic_handler(_SERVICE, {_METHOD: handler})
        self._server.add_generic_rpc_handlers((handlers,))
        self._server.add_insecure_port(f"unix:{self._path}")
        await self._server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.stop(None)

    async def _stream(self, requests: AsyncIterator[Any], _: object) -> AsyncIterator[Any]:
        """One answer to the first request of a stream; the certificates outlive every test."""
        fields: Any = {}
        async for request in requests:
            if request.HasField("node"):
                fields = request.node.metadata.fields
            if request.response_nonce:
                continue
            answer = message("envoy.service.discovery.v3.DiscoveryResponse")(
                version_info="1", nonce="1", type_url=request.type_url
            )
            for name in request.resource_names:
                answer.resources.add().CopyFrom(any_of(self._secret(name, fields)))
            yield answer

    def _secret(self, name: str, fields: Any) -> Any:
        secret = message(_SECRET)(name=name)
        if name == TRUSTED:
            secret.validation_context.trusted_ca.inline_bytes = self._identities.authority
        else:
            namespace, account = (fields[key].string_value for key in ("NAMESPACE", "SERVICE_ACCOUNT"))
            pair = self._identities.of(namespace, account)
            secret.tls_certificate.certificate_chain.inline_bytes = pair.certificate
            secret.tls_certificate.private_key.inline_bytes = pair.key
        return secret
