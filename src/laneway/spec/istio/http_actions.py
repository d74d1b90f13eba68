"""What a rule of a VirtualService does with a request.

Field meanings and defaults: Istio's API reference (networking.istio.io/v1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from laneway.spec.istio.common import PortSelector
from laneway.spec.istio.http_match import StringMatch
from laneway.spec.meta import Model
from laneway.spec.values import Base64, Duration


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


class HTTPRedirect(Model):
    """An answer that sends the client elsewhere; what is not given stays as it was."""

    uri: str | None = None
    authority: str | None = None
    port: int | None = Field(default=None, ge=1, le=65535)
    derive_port: Literal["FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT"] | None = None
    scheme: Literal["http", "https"] | None = None
    redirect_code: Literal[301, 302, 303, 307, 308] = 301


class HTTPBody(Model):
    """A body given in the rule itself, as one of the two."""

    string: str | None = None
    bytes_: Base64 | None = Field(default=None, alias="bytes")

    @property
    def content(self) -> bytes:
        """The body as it is sent."""
        return self.bytes_ if self.bytes_ is not None else (self.string or "").encode()


class HTTPDirectResponse(Model):
    """An answer that the proxy gives by itself."""

    status: int = Field(ge=200, le=599)
    body: HTTPBody | None = None


class RegexRewrite(Model):
    """Replaces what matches in the path; `\\1` stands for the first group."""

    match: str
    rewrite: str


class HTTPRewrite(Model):
    """Replaces the matched prefix of the path, or what an expression matches in it; or the authority."""

    uri: str | None = None
    uri_regex_rewrite: RegexRewrite | None = None
    authority: str | None = None


class HTTPRetry(Model):
    """Retries; `attempts: 0` switches Istio's default of two off."""

    attempts: int = Field(default=0, ge=0)
    per_try_timeout: Duration | None = None
    retry_on: str | None = None
    retry_remote_localities: bool | None = None
    retry_ignore_previous_hosts: bool | None = None
    backoff: Duration | None = None


class Percentage(Model):
    """A share of the requests, in percent; Envoy keeps four decimals."""

    value: float = Field(default=0.0, ge=0, le=100)


class FaultDelay(Model):
    """Requests that wait before they are sent on; none without a percentage."""

    unsupported: ClassVar[Mapping[str, str]] = {
        "exponentialDelay": "write `fixedDelay`",
    }

    fixed_delay: Duration
    percentage: Percentage | None = None
    percent: int | None = Field(default=None, ge=0, le=100)


class FaultAbort(Model):
    """Requests that are answered with a failure; none without a percentage."""

    unsupported: ClassVar[Mapping[str, str]] = {
        "http2Error": "write `httpStatus` or `grpcStatus`",
    }

    http_status: int | None = Field(default=None, ge=200, le=599)
    grpc_status: str | None = None
    percentage: Percentage | None = None


class HTTPFaultInjection(Model):
    """Failures on purpose: first the delay, then the abort."""

    delay: FaultDelay | None = None
    abort: FaultAbort | None = None


class HTTPMirrorPolicy(Model):
    """A destination that gets copies of the requests, all of them unless a percentage is given."""

    destination: Destination
    percentage: Percentage | None = None


class CorsPolicy(Model):
    """Which pages of other origins may read the answers."""

    allow_origins: list[StringMatch] = Field(default_factory=list)
    allow_origin: list[str] = Field(default_factory=list)
    allow_methods: list[str] = Field(default_factory=list)
    allow_headers: list[str] = Field(default_factory=list)
    expose_headers: list[str] = Field(default_factory=list)
    max_age: Duration | None = None
    allow_credentials: bool | None = None
    unmatched_preflights: Literal["UNSPECIFIED", "FORWARD", "IGNORE"] = "UNSPECIFIED"

    @property
    def origins(self) -> list[StringMatch]:
        """The origins that are allowed, whichever of the two fields has them."""
        return self.allow_origins or [StringMatch(exact=origin) for origin in self.allow_origin]
