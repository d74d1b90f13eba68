"""What in a TrafficPolicy Istio's validation refuses, or cannot hold here; each with its place and a remedy.

Must not know in which object the policy stands, nor the machine's files.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from math import isqrt
from typing import NamedTuple

from laneway.spec.istio.traffic_policy import (
    ClientTLS,
    ConnectionPool,
    ConsistentHash,
    HTTPSettings,
    LoadBalancer,
    OutlierDetection,
    Place,
    PortPolicy,
    TCPSettings,
    TrafficPolicy,
)

MILLISECOND = timedelta(milliseconds=1)
"""The least that Istio's validation takes for a duration."""

_WARMED = frozenset({"UNSPECIFIED", "LEAST_REQUEST", "LEAST_CONN", "ROUND_ROBIN"})


class PolicyFault(NamedTuple):
    """What is wrong at a path inside the policy, and what to do."""

    path: Place
    text: str
    remedy: str


def policy_faults(policy: TrafficPolicy) -> Iterator[PolicyFault]:
    """All that is wrong with a policy."""
    numbers = [port.port.number for port in policy.port_level_settings]
    for index, number in enumerate(numbers):
        if number in numbers[:index]:
            path = ("portLevelSettings", index, "port", "number")
            yield PolicyFault(path, f"port {number} has settings twice", "join the two")
    for place, part in policy.parts():
        yield from _below(place, _part(part))


def _part(policy: TrafficPolicy | PortPolicy) -> Iterator[PolicyFault]:
    if policy.load_balancer is not None:
        yield from _below(("loadBalancer",), _load_balancer(policy.load_balancer))
    if policy.connection_pool is not None:
        yield from _below(("connectionPool",), _connection_pool(policy.connection_pool))
    if policy.outlier_detection is not None:
        yield from _below(("outlierDetection",), _outlier_detection(policy.outlier_detection))
    if policy.tls is not None:
        yield from _below(("tls",), _tls(policy.tls))


def _below(path: Place, faults: Iterator[PolicyFault]) -> Iterator[PolicyFault]:
    return (fault._replace(path=(*path, *fault.path)) for fault in faults)


def _short(**durations: timedelta | None) -> Iterator[PolicyFault]:
    for name, value in durations.items():
        if value is not None and value < MILLISECOND:
            yield PolicyFault(
                (name,), f"{name} is less than Istio allows", "write at least 1ms, or remove it"
            )


def _load_balancer(balancer: LoadBalancer) -> Iterator[PolicyFault]:
    hashed = balancer.consistent_hash
    if balancer.simple == "PASSTHROUGH":
        text = "PASSTHROUGH is not implemented: a proxy sends to endpoints that it knows"
        yield PolicyFault(("simple",), text, "choose another balancer, or remove it")
    if hashed is not None and balancer.simple != "UNSPECIFIED":
        yield PolicyFault(("consistentHash",), "`simple` beside `consistentHash`", "keep one of them")
    if balancer.warmup and balancer.warmup_duration_secs:
        yield PolicyFault(("warmupDurationSecs",), "`warmup` beside `warmupDurationSecs`", "keep `warmup`")
    warmed = balancer.warmup or balancer.warmup_duration_secs is not None
    if warmed and (hashed is not None or balancer.simple not in _WARMED):
        text = "endpoints are warmed up by LEAST_REQUEST and ROUND_ROBIN only"
        yield PolicyFault(("warmup",), text, "remove it, or choose one of these")
    if balancer.warmup:
        yield from _below(("warmup",), _short(duration=balancer.warmup.duration))
    yield from _short(warmupDurationSecs=balancer.warmup_duration_secs)
    if hashed is not None:
        yield from _below(("consistentHash",), _consistent_hash(hashed))


def _consistent_hash(hashed: ConsistentHash) -> Iterator[PolicyFault]:
    keys = (hashed.http_header_name, hashed.http_cookie, hashed.http_query_parameter_name)
    if sum(key is not None for key in keys) + hashed.use_source_ip != 1:
        text = "what is hashed is not exactly one thing"
        remedy = "give one of `httpHeaderName`, `httpCookie`, `useSourceIp` and `httpQueryParameterName`"
        yield PolicyFault((), text, remedy)
    algorithms = (hashed.ring_hash, hashed.maglev, hashed.minimum_ring_size or None)
    if sum(each is not None for each in algorithms) > 1:
        text = "several of `ringHash`, `maglev` and `minimumRingSize`"
        yield PolicyFault((), text, "keep one of them; `ringHash` has a `minimumRingSize`")
    if hashed.maglev is not None and not _is_prime(hashed.maglev.table_size):
        text = f"tableSize {hashed.maglev.table_size} is not a prime"
        yield PolicyFault(("maglev", "tableSize"), text, "write a prime below 5000011, like 65537")


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % factor for factor in range(2, isqrt(number) + 1))


def _connection_pool(pool: ConnectionPool) -> Iterator[PolicyFault]:
    if pool.http is None and pool.tcp is None:
        yield PolicyFault((), "neither `tcp` nor `http`", "give one of them, or remove it")
    if pool.http is not None:
        yield from _below(("http",), _http(pool.http))
    if pool.tcp is not None:
        yield from _below(("tcp",), _tcp(pool.tcp))


def _http(settings: HTTPSettings) -> Iterator[PolicyFault]:
    yield from _short(idleTimeout=settings.idle_timeout)
    if settings.use_client_protocol and settings.h2_upgrade_policy == "UPGRADE":
        text = "the client's protocol is kept, or upgraded, not both"
        yield PolicyFault(("useClientProtocol",), text, "remove it, or `h2UpgradePolicy`")


def _tcp(settings: TCPSettings) -> Iterator[PolicyFault]:
    yield from _short(
        connectTimeout=settings.connect_timeout, maxConnectionDuration=settings.max_connection_duration
    )
    if settings.idle_timeout:
        yield from _short(idleTimeout=settings.idle_timeout)
    if settings.tcp_keepalive:
        keepalive = settings.tcp_keepalive
        yield from _below(("tcpKeepalive",), _short(time=keepalive.time, interval=keepalive.interval))


def _outlier_detection(detection: OutlierDetection) -> Iterator[PolicyFault]:
    yield from _short(interval=detection.interval, baseEjectionTime=detection.base_ejection_time)
    if detection.consecutive_local_origin_failures and not detection.split_external_local_origin_errors:
        text = "consecutiveLocalOriginFailures without `splitExternalLocalOriginErrors: true`"
        remedy = "add it: else such failures count as 5xx errors"
        yield PolicyFault(("consecutiveLocalOriginFailures",), text, remedy)


def _tls(tls: ClientTLS) -> Iterator[PolicyFault]:
    pair = {"clientCertificate": tls.client_certificate, "privateKey": tls.private_key}
    if tls.mode == "ISTIO_MUTUAL":
        text = "ISTIO_MUTUAL is not implemented: sidecars have no certificates yet"
        yield PolicyFault(("mode",), text, "remove `tls`, or write DISABLE")
    for name, file in pair.items():
        if tls.mode == "MUTUAL" and not file:
            yield PolicyFault((name,), f"MUTUAL without {name}", "name the file")
        if tls.mode == "SIMPLE" and file:
            yield PolicyFault((name,), f"SIMPLE with {name}", "write MUTUAL, or remove it")
    for name, file in (pair | {"caCertificates": tls.ca_certificates}).items():
        if file and not file.startswith("/"):
            yield PolicyFault((name,), f"{file} is not a path from the root", "write it from / on")
    if tls.insecure_skip_verify and (tls.ca_certificates or tls.subject_alt_names):
        text = "insecureSkipVerify beside what is verified"
        yield PolicyFault(
            ("insecureSkipVerify",), text, "remove it, or `caCertificates` and `subjectAltNames`"
        )
