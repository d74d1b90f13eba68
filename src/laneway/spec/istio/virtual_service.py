"""VirtualService: what a request must be, and where it goes then.

Field meanings and defaults: Istio's API reference (networking.istio.io/v1).
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from laneway.spec.istio.common import NetworkingVersion, PortSelector
from laneway.spec.meta import Model, Object
from laneway.spec.values import Duration


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
    """A destination with its share: weights count relative to their sum. headers: of this share alone."""

    destination: Destination
    weight: int = Field(default=0, ge=0)
    headers: Headers | None = None


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
