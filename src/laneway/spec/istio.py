"""The Istio kinds that Laneway reads, with the fields its embedded mesh implements.

A genuine field of Istio that is not implemented stands in its model's `unsupported` and is refused by name.
Field meanings and defaults: Istio's API reference (networking.istio.io/v1).
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from laneway.spec.meta import Model, Object
from laneway.spec.values import Duration

NetworkingVersion = Literal[
    "networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3"
]


class StringMatch(Model):
    """Exactly one of the three; none at all (`{}`) on a header means that it is present."""

    exact: str | None = None
    prefix: str | None = None
    regex: str | None = None


class HTTPMatchRequest(Model):
    """Conditions that must all hold. `port` and `gateways` are decided when the rule is translated."""

    unsupported: ClassVar[frozenset[str]] = frozenset(
        {"withoutHeaders", "queryParams", "sourceLabels", "sourceNamespace", "statPrefix"}
    )

    name: str | None = None
    uri: StringMatch | None = None
    ignore_uri_case: bool = False
    method: StringMatch | None = None
    authority: StringMatch | None = None
    headers: dict[str, StringMatch] = Field(default_factory=dict)
    port: int | None = None
    gateways: list[str] = Field(default_factory=list)


class PortSelector(Model):
    """A port by number."""

    number: int = Field(ge=1, le=65535)


class Destination(Model):
    """A host of the registry, or a subset of it."""

    host: str
    subset: str | None = None
    port: PortSelector | None = None


class HeaderOperations(Model):
    """What to change in a set of headers."""

    set: dict[str, str] = Field(default_factory=dict)
    add: dict[str, str] = Field(default_factory=dict)
    remove: list[str] = Field(default_factory=list)


class Headers(Model):
    """Changes of request and response headers."""

    request: HeaderOperations | None = None
    response: HeaderOperations | None = None


class HTTPRouteDestination(Model):
    """A destination with its share: weights count relative to their sum."""

    unsupported: ClassVar[frozenset[str]] = frozenset({"headers"})

    destination: Destination
    weight: int = Field(default=0, ge=0)


class HTTPRewrite(Model):
    """Replaces the matched prefix of the path, or the authority."""

    unsupported: ClassVar[frozenset[str]] = frozenset({"uriRegexRewrite"})

    uri: str | None = None
    authority: str | None = None


class HTTPRetry(Model):
    """Retries; `attempts: 0` switches Istio's default of two off."""

    unsupported: ClassVar[frozenset[str]] = frozenset(
        {"retryRemoteLocalities", "retryIgnorePreviousHosts", "backoff"}
    )

    attempts: int = Field(default=0, ge=0)
    per_try_timeout: Duration | None = None
    retry_on: str | None = None


class HTTPBody(Model):
    """A body given in the rule itself."""

    unsupported: ClassVar[frozenset[str]] = frozenset({"bytes"})

    string: str


class HTTPDirectResponse(Model):
    """An answer that the proxy gives by itself."""

    status: int = Field(ge=200, le=599)
    body: HTTPBody | None = None


class HTTPRoute(Model):
    """One rule of a VirtualService: the first whose match holds decides."""

    unsupported: ClassVar[frozenset[str]] = frozenset(
        {
            "redirect",
            "delegate",
            "fault",
            "mirror",
            "mirrors",
            "mirrorPercentage",
            "mirrorPercent",
            "corsPolicy",
        }
    )

    name: str | None = None
    match: list[HTTPMatchRequest] = Field(default_factory=list)
    route: list[HTTPRouteDestination] = Field(default_factory=list)
    direct_response: HTTPDirectResponse | None = None
    rewrite: HTTPRewrite | None = None
    timeout: Duration | None = None
    retries: HTTPRetry | None = None
    headers: Headers | None = None


class VirtualServiceSpec(Model):
    """Rules for hosts, at the mesh's sidecars (`mesh`, the default) or at gateways."""

    unsupported: ClassVar[frozenset[str]] = frozenset({"tcp", "tls"})

    hosts: list[str] = Field(min_length=1)
    gateways: list[str] = Field(default_factory=list)
    http: list[HTTPRoute] = Field(min_length=1)
    export_to: list[Literal["*"]] = Field(default_factory=list)


class VirtualService(Object):
    """networking.istio.io VirtualService."""

    inert: ClassVar[frozenset[str]] = frozenset({"status"})

    api_version: NetworkingVersion = "networking.istio.io/v1"
    kind: Literal["VirtualService"] = "VirtualService"
    spec: VirtualServiceSpec


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


class Port(Model):
    """A port of a Gateway's server or a ServiceEntry."""

    number: int = Field(ge=1, le=65535)
    name: str
    protocol: Literal["HTTP"] = "HTTP"
    target_port: int | None = Field(default=None, ge=1, le=65535)


class GatewayServer(Model):
    """A port that a gateway listens on, for these hosts (`host` or `namespace/host`)."""

    unsupported: ClassVar[frozenset[str]] = frozenset({"tls", "bind", "defaultEndpoint"})

    name: str | None = None
    port: Port
    hosts: list[str] = Field(min_length=1)


class GatewaySpec(Model):
    """Servers of the gateway proxies whose labels match."""

    selector: dict[str, str] = Field(default_factory=dict)
    servers: list[GatewayServer] = Field(min_length=1)


class Gateway(Object):
    """networking.istio.io Gateway."""

    inert: ClassVar[frozenset[str]] = frozenset({"status"})

    api_version: NetworkingVersion = "networking.istio.io/v1"
    kind: Literal["Gateway"] = "Gateway"
    spec: GatewaySpec


class WorkloadEntry(Model):
    """An endpoint of a ServiceEntry; ports by the ServiceEntry's port names."""

    unsupported: ClassVar[frozenset[str]] = frozenset({"network", "locality", "weight", "serviceAccount"})

    address: str
    ports: dict[str, int] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)


class WorkloadSelector(Model):
    """Pods by labels, in the ServiceEntry's namespace."""

    labels: dict[str, str] = Field(min_length=1)


class ServiceEntrySpec(Model):
    """Hosts that are not Kubernetes Services."""

    unsupported: ClassVar[frozenset[str]] = frozenset({"addresses", "subjectAltNames"})

    hosts: list[str] = Field(min_length=1)
    ports: list[Port] = Field(min_length=1)
    location: Literal["MESH_EXTERNAL", "MESH_INTERNAL"] = "MESH_EXTERNAL"
    resolution: Literal["STATIC", "DNS"] = "DNS"
    endpoints: list[WorkloadEntry] = Field(default_factory=list)
    workload_selector: WorkloadSelector | None = None
    export_to: list[Literal["*"]] = Field(default_factory=list)


class ServiceEntry(Object):
    """networking.istio.io ServiceEntry."""

    inert: ClassVar[frozenset[str]] = frozenset({"status"})

    api_version: NetworkingVersion = "networking.istio.io/v1"
    kind: Literal["ServiceEntry"] = "ServiceEntry"
    spec: ServiceEntrySpec
