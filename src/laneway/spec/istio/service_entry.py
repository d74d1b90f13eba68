"""ServiceEntry: hosts that are not Kubernetes Services.

Field meanings and defaults: Istio's API reference (networking.istio.io/v1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from laneway.spec.istio.common import NARROWER_EXPORTS, NetworkingVersion, Port
from laneway.spec.meta import Model, Object
from laneway.spec.values import IPBlock


class WorkloadEntry(Model):
    """An endpoint of a ServiceEntry; ports by the ServiceEntry's port names."""

    unsupported: ClassVar[Mapping[str, str]] = {
        "network": "remove it: everything runs in one network here",
        "locality": "remove it: everything runs in one locality here",
        "serviceAccount": "remove it: workloads have no identities here",
    }

    address: str
    ports: dict[str, int] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)
    weight: int = Field(default=0, ge=0)


class WorkloadSelector(Model):
    """Pods by labels, in the ServiceEntry's namespace."""

    labels: dict[str, str] = Field(min_length=1)


class ServiceEntrySpec(Model):
    """Hosts that are not Kubernetes Services."""

    refused_values: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "exportTo": NARROWER_EXPORTS,
        "resolution": {
            "NONE": "write DNS; or let all calls out, by `outboundTrafficPolicy` of the Mesh",
            "DYNAMIC_DNS": "write DNS, and name each host",
        },
    }

    hosts: list[str] = Field(min_length=1)
    addresses: list[IPBlock] = Field(default_factory=list)
    ports: list[Port] = Field(min_length=1)
    location: Literal["MESH_EXTERNAL", "MESH_INTERNAL"] = "MESH_EXTERNAL"
    resolution: Literal["STATIC", "DNS", "DNS_ROUND_ROBIN"] = "DNS"
    endpoints: list[WorkloadEntry] = Field(default_factory=list)
    workload_selector: WorkloadSelector | None = None
    subject_alt_names: list[str] = Field(default_factory=list)
    export_to: list[Literal["*"]] = Field(default_factory=list)


class HostAddress(Model):
    """The address that a host was given."""

    value: str
    host: str = ""


class ServiceEntryStatus(Model):
    """What was given to a ServiceEntry when it was stored; what people write here is not taken."""

    inert: ClassVar[frozenset[str]] = frozenset({"conditions", "validationMessages", "observedGeneration"})

    addresses: list[HostAddress] = Field(default_factory=list)


class ServiceEntry(Object):
    """networking.istio.io ServiceEntry."""

    api_version: NetworkingVersion = "networking.istio.io/v1"
    kind: Literal["ServiceEntry"] = "ServiceEntry"
    spec: ServiceEntrySpec
    status: ServiceEntryStatus | None = None
