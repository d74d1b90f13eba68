"""What the models can express and the embedded mesh does not implement: refused by field, never ignored.

Also what Istio's own validation refuses. Must not know other objects than the one at hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address

from laneway.mesh.names import gateways_of, is_wildcard
from laneway.mesh.rules import is_host_header, rewritten_authority
from laneway.spec.istio import (
    DestinationRule,
    Gateway,
    HTTPMatchRequest,
    HTTPRetry,
    HTTPRoute,
    ServiceEntry,
    StringMatch,
    VirtualService,
)
from laneway.spec.kubernetes import Service
from laneway.spec.meta import Key
from laneway.spec.naming import DOMAIN, MESH

MILLISECOND = timedelta(milliseconds=1)
BODY_BYTES_MAX = 1 << 20

NOT_HTTP = frozenset(
    {"grpc", "grpc-web", "http2", "https", "tcp", "tls", "udp", "mongo", "mysql", "redis", "hbone"}
)
"""Prefixes of a port's name by which Istio knows another protocol than HTTP/1.1."""

RETRY_CONDITIONS = frozenset(
    {
        "5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "envoy-ratelimited",
        "retriable-4xx", "refused-stream", "retriable-status-codes", "retriable-headers",
        "http3-post-connect-failure", "cancelled", "deadline-exceeded", "internal", "resource-exhausted",
        "unavailable",
    }
)  # fmt: skip
"""Envoy's words for `retryOn`; statuses may stand among them."""

_PATTERN = re.compile(r"\*(\.[a-z0-9]([-a-z0-9.]*[a-z0-9])?)?|[a-z0-9]([-a-z0-9.]*[a-z0-9])?", re.IGNORECASE)
_NOT_RE2 = re.compile(r"\(\?(=|!|<=|<!|>|\()|\\[1-9]|\(\?P=|[*+?}]\+")
"""Look-around, back-references, atomic groups, possessive quantifiers: what RE2 does not have."""

_Finding = tuple[str, str]  # field, text


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an object is not taken. field: path inside it, like `spec.http[0].route`; text: what to do."""

    kind: str
    key: Key
    field: str
    text: str


def refusals_of(
    value: Service | ServiceEntry | VirtualService | DestinationRule | Gateway,
) -> tuple[Refusal, ...]:
    """All that is wrong with an object; nothing where it can be taken."""
    match value:
        case Service():
            found = _service(value)
        case ServiceEntry():
            found = _service_entry(value)
        case VirtualService():
            found = _virtual_service(value)
        case DestinationRule():
            found = _destination_rule(value)
        case Gateway():
            found = _gateway(value)
    return tuple(Refusal(value.kind, value.key, f"spec.{field}", text) for field, text in found)


def _service(value: Service) -> Iterator[_Finding]:
    if not value.spec.selector:
        yield "selector", "without a selector no pod is behind it; use a ServiceEntry with endpoints"
    numbers = [port.port for port in value.spec.ports]
    for index, port in enumerate(value.spec.ports):
        if port.port in numbers[:index]:
            yield f"ports[{index}].port", f"port {port.port} is there twice"
        name = port.name or ""
        if name in NOT_HTTP or name.partition("-")[0] in NOT_HTTP:
            yield f"ports[{index}].name", f"{name} declares another protocol than HTTP/1.1: not implemented"


def _service_entry(value: ServiceEntry) -> Iterator[_Finding]:
    spec = value.spec
    for index, host in enumerate(spec.hosts):
        if is_wildcard(host):
            yield f"hosts[{index}]", "wildcard hosts are not implemented; name each host"
        elif "." not in host:
            yield f"hosts[{index}]", "a host without a dot means a Service; write the full name"
    yield from _unique("ports", "number", [str(port.number) for port in spec.ports])
    yield from _unique("ports", "name", [port.name for port in spec.ports])
    if spec.workload_selector and spec.endpoints:
        yield "workloadSelector", "give a workloadSelector or endpoints, not both"
    if spec.resolution == "DNS" and spec.workload_selector:
        yield "workloadSelector", "with a workloadSelector write `resolution: STATIC`"
    if spec.resolution == "STATIC" and not (spec.endpoints or spec.workload_selector):
        yield "endpoints", "with STATIC resolution give endpoints or a workloadSelector"
    names = {port.name for port in spec.ports}
    for index, endpoint in enumerate(spec.endpoints):
        if spec.resolution == "STATIC" and not _is_address(endpoint.address):
            yield f"endpoints[{index}].address", "STATIC resolution takes IP addresses; for names write `DNS`"
        for name in endpoint.ports.keys() - names:
            yield f"endpoints[{index}].ports.{name}", "no port of the ServiceEntry has this name"


def _unique(field: str, part: str, values: list[str]) -> Iterator[_Finding]:
    for index, value in enumerate(values):
        if value in values[:index]:
            yield f"{field}[{index}].{part}", f"{value} is there twice"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _destination_rule(value: DestinationRule) -> Iterator[_Finding]:
    host, namespace = value.spec.host, value.metadata.namespace
    if is_wildcard(host):
        yield "host", "wildcard hosts are not implemented; name each host"
    if host.endswith(f".{DOMAIN}") and host.split(".")[1] != namespace:
        yield (
            "host",
            f"move the rule to the Service's namespace: rules for callers in {namespace} alone "
            + ("are not implemented"),
        )
    yield from _unique("subsets", "name", [subset.name for subset in value.spec.subsets])


def _gateway(value: Gateway) -> Iterator[_Finding]:
    if not value.spec.selector:
        yield "selector", "give the labels of the gateway that serves it, like {istio: ingressgateway}"
    for index, server in enumerate(value.spec.servers):
        if server.port.target_port is not None:
            yield f"servers[{index}].port.targetPort", "Istio ignores it; leave it out"
        for position, host in enumerate(server.hosts):
            if not _PATTERN.fullmatch(host.rpartition("/")[2]):
                yield f"servers[{index}].hosts[{position}]", f"{host!r} is not a host, `*.suffix` or `*`"


def _virtual_service(value: VirtualService) -> Iterator[_Finding]:
    for index, host in enumerate(value.spec.hosts):
        if not _PATTERN.fullmatch(host):
            yield f"hosts[{index}]", f"{host!r} is not a host, `*.suffix` or `*`"
        elif is_wildcard(host) and MESH in gateways_of(value):
            yield (
                f"hosts[{index}]",
                "wildcard hosts are implemented for gateways only; name each host, "
                + ("or bind the rules to gateways without `mesh`"),
            )
    for index, rule in enumerate(value.spec.http):
        for field, text in _rule(rule):
            yield f"http[{index}].{field}", text


def _rule(rule: HTTPRoute) -> Iterator[_Finding]:
    yield from _action(rule)
    for index, match in enumerate(rule.match):
        for field, text in _match(match):
            yield f"match[{index}].{field}", text
    if rule.timeout is not None and rule.timeout < MILLISECOND:
        yield "timeout", "must be at least 1ms; leave it out for no limit"
    if rule.retries is not None:
        yield from _retries(rule.retries)
    yield from _header_changes(rule)


def _action(rule: HTTPRoute) -> Iterator[_Finding]:
    direct = rule.direct_response
    if bool(rule.route) == (direct is not None):
        yield "route", "give either `route` or `directResponse`"
    if len(rule.route) > 1 and not any(share.weight for share in rule.route):
        yield "route", "the weights add up to 0"
    if direct is not None and direct.body and len(direct.body.string.encode()) > BODY_BYTES_MAX:
        yield "directResponse.body", "is longer than 1 MiB"
    for index, share in enumerate(rule.route):
        if is_wildcard(share.destination.host):
            yield f"route[{index}].destination.host", "a destination is one host"


def _match(match: HTTPMatchRequest) -> Iterator[_Finding]:
    fields = {"uri": match.uri, "method": match.method, "authority": match.authority}
    for field, value in fields.items():
        if value is not None:
            yield from _string(field, value, may_be_empty=False)
    for name, value in match.headers.items():
        if name.startswith((":", "@")):
            yield f"headers.{name}", "use `uri`, `method` or `authority`; claims are not implemented"
        yield from _string(f"headers.{name}", value, may_be_empty=True)


def _string(field: str, value: StringMatch, may_be_empty: bool) -> Iterator[_Finding]:
    given = [part for part in (value.exact, value.prefix, value.regex) if part is not None]
    if len(given) > 1 or not (given or may_be_empty):
        yield field, "give one of `exact`, `prefix` and `regex`"
    if value.prefix == "" or value.regex == "":
        yield field, "an empty prefix or regex matches everything; leave the condition out"
    if value.regex:
        yield from _regex(field, value.regex)


def _regex(field: str, pattern: str) -> Iterator[_Finding]:
    if _NOT_RE2.search(pattern):
        yield f"{field}.regex", "RE2 has no look-around, back-references or possessive quantifiers"
        return
    try:
        re.compile(pattern)
    except re.error as problem:
        yield f"{field}.regex", f"is not a regular expression: {problem}"


def _retries(retries: HTTPRetry) -> Iterator[_Finding]:
    if retries.per_try_timeout is not None and retries.per_try_timeout < MILLISECOND:
        yield "retries.perTryTimeout", "must be at least 1ms"
    for part in (retries.retry_on or "").split(","):
        word = part.strip()
        if word and not word.isdigit() and word not in RETRY_CONDITIONS:
            yield "retries.retryOn", f"{word!r} is no condition that Envoy knows"
        if word.isdigit() and not 100 <= int(word) <= 599:
            yield "retries.retryOn", f"{word} is no status"


def _header_changes(rule: HTTPRoute) -> Iterator[_Finding]:
    if rule.headers is None:
        return
    for side, operations in (("request", rule.headers.request), ("response", rule.headers.response)):
        if operations is None:
            continue
        for verb, names in (("set", operations.set), ("add", operations.add), ("remove", operations.remove)):
            for name in names:
                host = is_host_header(name) and (side, verb) == ("request", "set")
                if not name or ((name.startswith(":") or is_host_header(name)) and not host):
                    yield f"headers.{side}.{verb}", f"{name!r} cannot be changed; for the host use `rewrite`"
    request = rule.headers.request
    hosts = [name for name in (request.set if request else ()) if is_host_header(name)]
    rewritten = rule.rewrite is not None and rule.rewrite.authority is not None
    if len(hosts) + rewritten > 1 and rewritten_authority(rule):
        yield "rewrite.authority", "the authority is set more than once"
