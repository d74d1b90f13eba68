"""Of a VirtualService."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from laneway.mesh.names import gateways_of, is_wildcard
from laneway.mesh.refusals.common import HOST_PATTERN, Finding
from laneway.mesh.rules import is_host_header, rewritten_authority
from laneway.spec.istio import (
    Headers,
    HTTPMatchRequest,
    HTTPRetry,
    HTTPRoute,
    StringMatch,
    VirtualService,
)
from laneway.spec.naming import MESH

MILLISECOND = timedelta(milliseconds=1)

BODY_BYTES_MAX = 1 << 20

RETRY_CONDITIONS = frozenset(
    {
        "5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "envoy-ratelimited",
        "retriable-4xx", "refused-stream", "retriable-status-codes", "retriable-headers",
        "http3-post-connect-failure", "cancelled", "deadline-exceeded", "internal", "resource-exhausted",
        "unavailable",
    }
)  # fmt: skip
"""Envoy's words for `retryOn`; statuses may stand among them."""

_NOT_RE2 = re.compile(r"\(\?(=|!|<=|<!|>|\()|\\[1-9]|\(\?P=|[*+?}]\+")
"""Look-around, back-references, atomic groups, possessive quantifiers: what RE2 does not have."""


def virtual_service(value: VirtualService) -> Iterator[Finding]:
    """All that is wrong with a VirtualService."""
    for index, host in enumerate(value.spec.hosts):
        if not HOST_PATTERN.fullmatch(host):
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


def _rule(rule: HTTPRoute) -> Iterator[Finding]:
    yield from _action(rule)
    for index, match in enumerate(rule.match):
        for field, text in _match(match):
            yield f"match[{index}].{field}", text
    if rule.timeout is not None and rule.timeout < MILLISECOND:
        yield "timeout", "must be at least 1ms; leave it out for no limit"
    if rule.retries is not None:
        yield from _retries(rule.retries)
    yield from _header_changes(rule)


def _action(rule: HTTPRoute) -> Iterator[Finding]:
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


def _match(match: HTTPMatchRequest) -> Iterator[Finding]:
    fields = {"uri": match.uri, "method": match.method, "authority": match.authority}
    for field, value in fields.items():
        if value is not None:
            yield from _string(field, value, may_be_empty=False)
    for name, value in match.headers.items():
        if name.startswith((":", "@")):
            yield f"headers.{name}", "use `uri`, `method` or `authority`; claims are not implemented"
        yield from _string(f"headers.{name}", value, may_be_empty=True)


def _string(field: str, value: StringMatch, may_be_empty: bool) -> Iterator[Finding]:
    given = [part for part in (value.exact, value.prefix, value.regex) if part is not None]
    if len(given) > 1 or not (given or may_be_empty):
        yield field, "give one of `exact`, `prefix` and `regex`"
    if value.prefix == "" or value.regex == "":
        yield field, "an empty prefix or regex matches everything; leave the condition out"
    if value.regex:
        yield from _regex(field, value.regex)


def _regex(field: str, pattern: str) -> Iterator[Finding]:
    if _NOT_RE2.search(pattern):
        yield f"{field}.regex", "RE2 has no look-around, back-references or possessive quantifiers"
        return
    try:
        re.compile(pattern)
    except re.error as problem:
        yield f"{field}.regex", f"is not a regular expression: {problem}"


def _retries(retries: HTTPRetry) -> Iterator[Finding]:
    if retries.per_try_timeout is not None and retries.per_try_timeout < MILLISECOND:
        yield "retries.perTryTimeout", "must be at least 1ms"
    for part in (retries.retry_on or "").split(","):
        word = part.strip()
        if word and not word.isdigit() and word not in RETRY_CONDITIONS:
            yield "retries.retryOn", f"{word!r} is no condition that Envoy knows"
        if word.isdigit() and not 100 <= int(word) <= 599:
            yield "retries.retryOn", f"{word} is no status"


def _header_changes(rule: HTTPRoute) -> Iterator[Finding]:
    yield from _headers("headers", rule.headers)
    for index, share in enumerate(rule.route):
        field = f"route[{index}].headers"
        yield from _headers(field, share.headers)
        if _hosts(share.headers) and rewritten_authority(rule):
            yield f"{field}.request.set", "the rule gives the authority already"
    rewritten = rule.rewrite is not None and rule.rewrite.authority is not None
    if rewritten and _hosts(rule.headers):
        yield "rewrite.authority", "the authority is set more than once"


def _headers(field: str, headers: Headers | None) -> Iterator[Finding]:
    for side, operations in (("request", headers.request), ("response", headers.response)) if headers else ():
        if operations is None:
            continue
        for verb, names in (("set", operations.set), ("add", operations.add), ("remove", operations.remove)):
            for name in names:
                host = is_host_header(name) and (side, verb) == ("request", "set")
                if not name or ((name.startswith(":") or is_host_header(name)) and not host):
                    yield f"{field}.{side}.{verb}", f"{name!r} cannot be changed; for the host use `rewrite`"
    if len(_hosts(headers)) > 1:
        yield f"{field}.request.set", "the authority is set more than once"


def _hosts(headers: Headers | None) -> list[str]:
    """The names that stand for the request's Host among those that are set."""
    operations = headers.request if headers else None
    return [name for name in (operations.set if operations else ()) if is_host_header(name)]
