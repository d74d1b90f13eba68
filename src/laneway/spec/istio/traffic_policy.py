"""TrafficPolicy: how connections to a host or subset are balanced, limited, ejected and encrypted.

Field meanings and defaults: Istio's API reference (networking.istio.io/v1, DestinationRule). Where 0 means
Istio's default for a number, it does here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field

from laneway.spec.istio.common import PortSelector
from laneway.spec.meta import Model
from laneway.spec.values import Duration

Place = tuple[str | int, ...]
"""Fields and positions that lead to a part of an object."""


class CookieAttribute(Model):
    """An attribute of a generated cookie, like SameSite."""

    name: str = Field(min_length=1)
    value: str = ""


class HTTPCookie(Model):
    """A cookie that is hashed; with a `ttl` it is generated where a request has none (0s: for a session)."""

    name: str = Field(min_length=1)
    path: str = ""
    ttl: Duration | None = None
    attributes: list[CookieAttribute] = Field(default_factory=list)


class RingHash(Model):
    """Balancing by a ring of at least so many places."""

    minimum_ring_size: int = Field(default=0, ge=0, le=8 << 20)


class Maglev(Model):
    """Balancing by a table of so many places, a prime."""

    table_size: int = Field(ge=1, lt=5_000_011)


class ConsistentHash(Model):
    """Requests that are alike go to the same endpoint: alike in exactly one of the first four."""

    http_header_name: str | None = Field(default=None, min_length=1)
    http_cookie: HTTPCookie | None = None
    use_source_ip: bool = False
    http_query_parameter_name: str | None = Field(default=None, min_length=1)
    ring_hash: RingHash | None = None
    maglev: Maglev | None = None
    minimum_ring_size: int = Field(default=0, ge=0, le=8 << 20)


class Warmup(Model):
    """A new endpoint gets its share by and by. Percent of the share to begin with; Istio's default is 10."""

    duration: Duration
    minimum_percent: float = Field(default=10, ge=0, le=100)
    aggression: float = Field(default=1, ge=1)


class LoadBalancer(Model):
    """How an endpoint is picked; Istio's default is LEAST_REQUEST."""

    unsupported: ClassVar[Mapping[str, str]] = {
        "localityLbSetting": "remove it: everything runs in one locality here",
    }

    simple: Literal["UNSPECIFIED", "LEAST_REQUEST", "ROUND_ROBIN", "RANDOM", "LEAST_CONN", "PASSTHROUGH"] = (
        "UNSPECIFIED"
    )
    consistent_hash: ConsistentHash | None = None
    warmup: Warmup | None = None
    warmup_duration_secs: Duration | None = None


class TcpKeepalive(Model):
    """Probes on a silent connection; the system's values where none are given."""

    probes: int = Field(default=0, ge=0)
    time: Duration | None = None
    interval: Duration | None = None


class TCPSettings(Model):
    """Limits of connections. 0s as `idleTimeout` means none."""

    max_connections: int = Field(default=0, ge=0)
    connect_timeout: Duration | None = None
    tcp_keepalive: TcpKeepalive | None = None
    max_connection_duration: Duration | None = None
    idle_timeout: Duration | None = None


class HTTPSettings(Model):
    """Limits of requests, and what is spoken to the endpoints."""

    http1_max_pending_requests: int = Field(default=0, ge=0)
    http2_max_requests: int = Field(default=0, ge=0)
    max_requests_per_connection: int = Field(default=0, ge=0)
    max_retries: int = Field(default=0, ge=0)
    idle_timeout: Duration | None = None
    h2_upgrade_policy: Literal["DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"] = "DEFAULT"
    use_client_protocol: bool = False
    max_concurrent_streams: int = Field(default=0, ge=0)


class ConnectionPool(Model):
    """Limits of connections and requests."""

    tcp: TCPSettings | None = None
    http: HTTPSettings | None = None


class OutlierDetection(Model):
    """When an endpoint that fails is left out for a while.

    None for a count: Envoy's default, five errors of any 5xx, five of 502 to 504 without effect.
    """

    unsupported: ClassVar[Mapping[str, str]] = {
        "consecutiveErrors": "write `consecutive5xxErrors` or `consecutiveGatewayErrors`",
    }

    consecutive_5xx_errors: int | None = Field(default=None, ge=0, alias="consecutive5xxErrors")
    consecutive_gateway_errors: int | None = Field(default=None, ge=0)
    interval: Duration | None = None
    base_ejection_time: Duration | None = None
    max_ejection_percent: int = Field(default=0, ge=0, le=100)
    min_health_percent: int = Field(default=0, ge=0, le=100)
    split_external_local_origin_errors: bool = False
    consecutive_local_origin_failures: int | None = Field(default=None, ge=0)


class ClientTLS(Model):
    """TLS to the endpoints. Files are of the machine that proxies run on; without a CA the system's count."""

    unsupported: ClassVar[Mapping[str, str]] = {
        "credentialName": "write `clientCertificate`, `privateKey` and `caCertificates`: files",
        "caCrl": "remove it: lists of revoked certificates are not read",
    }

    mode: Literal["DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"] = "DISABLE"
    client_certificate: str | None = None
    private_key: str | None = None
    ca_certificates: str | None = None
    subject_alt_names: list[str] = Field(default_factory=list)
    sni: str | None = None
    insecure_skip_verify: bool = False


class PortPolicy(Model):
    """What holds for one port, in place of everything else: what it leaves open is the default."""

    port: PortSelector
    load_balancer: LoadBalancer | None = None
    connection_pool: ConnectionPool | None = None
    outlier_detection: OutlierDetection | None = None
    tls: ClientTLS | None = None


class RetryBudget(Model):
    """Retries as a percentage of the requests under way, of which some are always allowed."""

    percent: float = Field(default=20, ge=0, le=100)
    min_retry_concurrency: int = Field(default=3, ge=0)


class TrafficPolicy(Model):
    """What holds for connections to a host or subset."""

    unsupported: ClassVar[Mapping[str, str]] = {
        "tunnel": "remove it, and name the proxy as the host of a ServiceEntry",
        "proxyProtocol": "remove it, and let a proxy of your own add it, as the host of a ServiceEntry",
    }

    load_balancer: LoadBalancer | None = None
    connection_pool: ConnectionPool | None = None
    outlier_detection: OutlierDetection | None = None
    tls: ClientTLS | None = None
    retry_budget: RetryBudget | None = None
    port_level_settings: list[PortPolicy] = Field(default_factory=list)

    def parts(self) -> Iterator[tuple[Place, TrafficPolicy | PortPolicy]]:
        """The policy itself and its settings of ports, each with its place in the policy."""
        yield (), self
        for index, port in enumerate(self.port_level_settings):
            yield ("portLevelSettings", index), port
