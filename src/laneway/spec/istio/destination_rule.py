"""DestinationRule: subsets of a host, and what holds for connections to it.

Field meanings and defaults: Istio's API reference (networking.istio.io/v1).
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from laneway.spec.istio.common import NetworkingVersion
from laneway.spec.meta import Model, Object


class LoadBalancer(Model):
    """How an endpoint is picked; Istio's default is LEAST_REQUEST."""

    unsupported: ClassVar[frozenset[str]] = frozenset(
        {"consistentHash", "localityLbSetting", "warmupDurationSecs", "warmup"}
    )

    simple: Literal["UNSPECIFIED", "LEAST_REQUEST", "ROUND_ROBIN", "RANDOM", "LEAST_CONN"] = "UNSPECIFIED"


class TrafficPolicy(Model):
    """What holds for connections to a host or subset."""

    unsupported: ClassVar[frozenset[str]] = frozenset(
        {
            "connectionPool",
            "outlierDetection",
            "tls",
            "portLevelSettings",
            "tunnel",
            "proxyProtocol",
            "retryBudget",
        }
    )

    load_balancer: LoadBalancer | None = None


class Subset(Model):
    """Pods of a host that carry these labels, under one name."""

    name: str
    labels: dict[str, str] = Field(default_factory=dict)
    traffic_policy: TrafficPolicy | None = None


class DestinationRuleSpec(Model):
    """Subsets of a host and its traffic policy."""

    unsupported: ClassVar[frozenset[str]] = frozenset({"workloadSelector"})

    host: str
    traffic_policy: TrafficPolicy | None = None
    subsets: list[Subset] = Field(default_factory=list)
    export_to: list[Literal["*"]] = Field(default_factory=list)


class DestinationRule(Object):
    """networking.istio.io DestinationRule."""

    inert: ClassVar[frozenset[str]] = frozenset({"status"})

    api_version: NetworkingVersion = "networking.istio.io/v1"
    kind: Literal["DestinationRule"] = "DestinationRule"
    spec: DestinationRuleSpec
