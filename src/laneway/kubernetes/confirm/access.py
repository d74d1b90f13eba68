"""How an istiod is reached, and as whom: its ports, TLS, the token, the node that we say we are.

Must not know what is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc

WITNESS = "laneway-witness"
"""The name of our own connections in istiod's view, and their label `app`."""
_ADDRESS = "192.0.2.1"
"""A witness is no pod: an address for documentation, so that istiod takes it for no workload."""
_UNLIMITED = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.use_local_subchannel_pool", 1),
)


@dataclass(frozen=True, slots=True)
class Access:
    """root: the mesh's root certificate as PEM; without it the port speaks no TLS, and istiod answers no
    question about its proxies. token: read anew for each connection, as tokens rotate; it belongs to a
    service account of the root namespace, for the audience `istio-ca`. server: the name in istiod's
    certificate.
    """

    root: Callable[[], bytes] | None = None
    token: Callable[[], str] | None = None
    namespace: str = "istio-system"
    cluster: str = "Kubernetes"
    server: str = "istiod.istio-system.svc"
    labels: Mapping[str, str] = field(default_factory=lambda: {"app": WITNESS})

    def channel(self, address: str) -> Any:
        """A connection of its own to an istiod, `address:port`."""
        if self.root is None:
            return grpc.aio.insecure_channel(address, options=_UNLIMITED)
        options = (*_UNLIMITED, ("grpc.ssl_target_name_override", self.server))
        return grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(self.root()), options=options)

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What a stream is opened with."""
        return (("authorization", f"Bearer {self.token()}"),) if self.token else ()

    def node(self, kind: str, labels: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
        """Identifier and metadata of a proxy of this kind (`sidecar`, `router`) in the root namespace.

        On the TLS port istiod lets nobody claim another namespace than the token's.
        """
        name = f"{kind}~{_ADDRESS}~{WITNESS}.{self.namespace}~{self.namespace}.svc.cluster.local"
        return name, {
            "NAMESPACE": self.namespace,
            "CLUSTER_ID": self.cluster,
            "INSTANCE_IPS": _ADDRESS,
            "LABELS": dict(labels),
        }
