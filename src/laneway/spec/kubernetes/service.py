"""Service: a name and ports for pods."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from laneway.spec.meta import DnsLabel, Model, Object
from laneway.spec.protocols import OTHER_TRANSPORTS, AppProtocol


class ServicePort(Model):
    """A port of a Service. `appProtocol`, else the prefix of the name, says what is spoken; else HTTP is."""

    unsupported: ClassVar[Mapping[str, str]] = {
        "nodePort": "write a Gateway: the ingress is the way in",
    }

    refused_values: ClassVar[Mapping[str, Mapping[str, str]]] = {"protocol": OTHER_TRANSPORTS}

    name: DnsLabel | None = None
    port: int = Field(ge=1, le=65535)
    target_port: int | str | None = None
    protocol: Literal["TCP"] = "TCP"
    app_protocol: AppProtocol | None = None


class ServiceSpec(Model):
    """Ports and the pods behind them."""

    unsupported: ClassVar[Mapping[str, str]] = {
        "externalName": "write a ServiceEntry with that host, and call the host itself",
        "externalIPs": "write a Gateway: the ingress is the way in",
        "publishNotReadyAddresses": "remove it: only ready pods take requests",
    }
    inert: ClassVar[frozenset[str]] = frozenset(
        {
            "clusterIPs",
            "ipFamilies",
            "ipFamilyPolicy",
            "internalTrafficPolicy",
            "sessionAffinity",
        }
    )

    refused_values: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "type": {
            "NodePort": "remove it, and write a Gateway: the ingress is the way in",
            "LoadBalancer": "remove it, and write a Gateway: the ingress is the way in",
            "ExternalName": "write a ServiceEntry with that host, and call the host itself",
        }
    }

    type: Literal["ClusterIP"] = "ClusterIP"
    cluster_ip: str | None = Field(default=None, alias="clusterIP")
    selector: dict[str, str] = Field(default_factory=dict)
    ports: list[ServicePort] = Field(min_length=1)

    @field_validator("cluster_ip")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value == "None":
            raise ValueError(
                "a headless Service is not supported; leave clusterIP out: the sidecar balances over the pods"
            )
        if value:
            IPv4Address(value)
        return value


class Service(Object):
    """v1 Service."""

    inert: ClassVar[frozenset[str]] = frozenset({"status"})

    api_version: Literal["v1"] = "v1"
    kind: Literal["Service"] = "Service"
    spec: ServiceSpec
