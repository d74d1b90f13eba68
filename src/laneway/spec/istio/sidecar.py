"""Sidecar: which hosts the proxies of some pods are told of.

Field meanings and defaults: Istio's API reference (networking.istio.io/v1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from laneway.spec.istio.common import NetworkingVersion
from laneway.spec.istio.service_entry import WorkloadSelector
from laneway.spec.meta import Model, Object

HOST_IMPORT = r"^(\.|\*|~|[a-z0-9]([-a-z0-9]*[a-z0-9])?)/(\*|(\*\.)?[-A-Za-z0-9.]+)$"

HostImport = Annotated[str, StringConstraints(pattern=HOST_IMPORT)]
"""`namespace/host`: the namespace `.` for the proxies' own, `*` for any, `~` for none; the host `*`, a
wildcard like `*.example.com`, or a full name."""


class EgressListener(Model):
    """Hosts that the proxies are told of."""

    unsupported: ClassVar[Mapping[str, str]] = {
        "port": "remove it: hosts are told of with all their ports",
        "bind": "remove it: each replica calls at its own outbound listener",
        "captureMode": "remove it, and choose with `laneway up --isolation`",
    }

    hosts: list[HostImport] = Field(min_length=1)


class OutboundTrafficPolicy(Model):
    """What happens to calls to hosts that the proxies are not told of."""

    unsupported: ClassVar[Mapping[str, str]] = {
        "egressProxy": "remove it, and bind a VirtualService of the host to an egress Gateway",
    }

    mode: Literal["REGISTRY_ONLY", "ALLOW_ANY"] = "REGISTRY_ONLY"


class SidecarSpec(Model):
    """What the proxies of these pods are told of; of all pods of the namespace without a selector."""

    unsupported: ClassVar[Mapping[str, str]] = {
        "ingress": "remove it: proxies listen for the container ports of their pods",
        "inboundConnectionPool": "write `connectionPool` in a DestinationRule: it holds at the callers",
    }

    workload_selector: WorkloadSelector | None = None
    egress: list[EgressListener] = Field(default_factory=list)
    outbound_traffic_policy: OutboundTrafficPolicy | None = None


class Sidecar(Object):
    """networking.istio.io Sidecar."""

    inert: ClassVar[frozenset[str]] = frozenset({"status"})

    api_version: NetworkingVersion = "networking.istio.io/v1"
    kind: Literal["Sidecar"] = "Sidecar"
    spec: SidecarSpec = SidecarSpec()
