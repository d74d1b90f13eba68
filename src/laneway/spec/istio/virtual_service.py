"""VirtualService: what a request must be, and where it goes then.

Field meanings and defaults: Istio's API reference (networking.istio.io/v1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from laneway.spec.istio.common import NARROWER_EXPORTS, NetworkingVersion
from laneway.spec.istio.http_actions import (
    CorsPolicy,
    Destination,
    Headers,
    HTTPDirectResponse,
    HTTPFaultInjection,
    HTTPMirrorPolicy,
    HTTPRedirect,
    HTTPRetry,
    HTTPRewrite,
    HTTPRouteDestination,
    Percentage,
)
from laneway.spec.istio.http_match import HTTPMatchRequest
from laneway.spec.meta import Model, Object
from laneway.spec.values import Duration, IPBlock


class HTTPRule(Model):
    """What a rule for requests says besides its destinations."""

    name: str | None = None
    match: list[HTTPMatchRequest] = Field(default_factory=list)
    redirect: HTTPRedirect | None = None
    direct_response: HTTPDirectResponse | None = None
    rewrite: HTTPRewrite | None = None
    timeout: Duration | None = None
    retries: HTTPRetry | None = None
    fault: HTTPFaultInjection | None = None
    mirror: Destination | None = None
    mirrors: list[HTTPMirrorPolicy] = Field(default_factory=list)
    mirror_percentage: Percentage | None = None
    mirror_percent: int | None = Field(default=None, ge=0, le=100)
    cors_policy: CorsPolicy | None = None
    headers: Headers | None = None

    @property
    def answers(self) -> bool:
        """The proxy answers by itself: no request goes to a destination."""
        return self.redirect is not None or self.direct_response is not None


class HTTPRoute(HTTPRule):
    """One rule of a VirtualService: the first whose match holds decides."""

    unsupported: ClassVar[Mapping[str, str]] = {
        "delegate": "write the rules of the delegate here",
    }

    route: list[HTTPRouteDestination] = Field(default_factory=list)

    @property
    def destinations(self) -> list[Destination]:
        """Everywhere that requests or copies of them go."""
        found = [share.destination for share in self.route]
        found += [self.mirror] if self.mirror is not None else []
        return found + [policy.destination for policy in self.mirrors]


class RouteDestination(Model):
    """A destination of connections with its share: weights count relative to their sum."""

    destination: Destination
    weight: int = Field(default=0, ge=0)


class L4MatchAttributes(Model):
    """What a connection must be; all but what the connection itself tells is decided at translation."""

    unsupported: ClassVar[Mapping[str, str]] = {
        "sourceSubnet": "write `sourceLabels`: addresses of pods change",
    }

    destination_subnets: list[IPBlock] = Field(default_factory=list)
    port: int | None = None
    source_labels: dict[str, str] = Field(default_factory=dict)
    source_namespace: str | None = None
    gateways: list[str] = Field(default_factory=list)


class TLSMatchAttributes(L4MatchAttributes):
    """What a TLS connection must be: one for any of these server names (SNI)."""

    sni_hosts: list[str] = Field(min_length=1)


class TCPRoute(Model):
    """A rule for connections: the first whose match holds decides; each connection stays where it went."""

    match: list[L4MatchAttributes] = Field(default_factory=list)
    route: list[RouteDestination] = Field(min_length=1)


class TLSRoute(Model):
    """A rule for TLS connections, which are passed on as they are."""

    match: list[TLSMatchAttributes] = Field(min_length=1)
    route: list[RouteDestination] = Field(min_length=1)


class VirtualServiceSpec(Model):
    """Rules for hosts, at the mesh's sidecars (`mesh`, the default) or at gateways."""

    refused_values: ClassVar[Mapping[str, Mapping[str, str]]] = {"exportTo": NARROWER_EXPORTS}

    hosts: list[str] = Field(min_length=1)
    gateways: list[str] = Field(default_factory=list)
    http: list[HTTPRoute] = Field(default_factory=list)
    tls: list[TLSRoute] = Field(default_factory=list)
    tcp: list[TCPRoute] = Field(default_factory=list)
    export_to: list[Literal["*"]] = Field(default_factory=list)


class VirtualService(Object):
    """networking.istio.io VirtualService."""

    inert: ClassVar[frozenset[str]] = frozenset({"status"})

    api_version: NetworkingVersion = "networking.istio.io/v1"
    kind: Literal["VirtualService"] = "VirtualService"
    spec: VirtualServiceSpec
