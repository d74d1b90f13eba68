"""DestinationRule: subsets of a host, and the traffic policies of the host and its subsets.

Field meanings and defaults: Istio's API reference (networking.istio.io/v1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field

from laneway.spec.istio.common import NARROWER_EXPORTS, NetworkingVersion
from laneway.spec.istio.traffic_policy import Place, TrafficPolicy
from laneway.spec.meta import Model, Object


class Subset(Model):
    """Pods of a host that carry these labels, under one name."""

    name: str
    labels: dict[str, str] = Field(default_factory=dict)
    traffic_policy: TrafficPolicy | None = None


class DestinationRuleSpec(Model):
    """Subsets of a host and its traffic policy."""

    unsupported: ClassVar[Mapping[str, str]] = {
        "workloadSelector": "remove it: a policy holds for every caller of the host",
    }

    refused_values: ClassVar[Mapping[str, Mapping[str, str]]] = {"exportTo": NARROWER_EXPORTS}

    host: str
    traffic_policy: TrafficPolicy | None = None
    subsets: list[Subset] = Field(default_factory=list)
    export_to: list[Literal["*"]] = Field(default_factory=list)

    def policies(self) -> Iterator[tuple[Place, TrafficPolicy]]:
        """The host's policy and its subsets', each with its place in the spec."""
        if self.traffic_policy is not None:
            yield ("trafficPolicy",), self.traffic_policy
        for index, subset in enumerate(self.subsets):
            if subset.traffic_policy is not None:
                yield ("subsets", index, "trafficPolicy"), subset.traffic_policy


class DestinationRule(Object):
    """networking.istio.io DestinationRule."""

    inert: ClassVar[frozenset[str]] = frozenset({"status"})

    api_version: NetworkingVersion = "networking.istio.io/v1"
    kind: Literal["DestinationRule"] = "DestinationRule"
    spec: DestinationRuleSpec
