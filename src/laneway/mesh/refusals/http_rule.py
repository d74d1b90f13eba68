"""Of a rule for requests: what it does, its retries, and the headers that it changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from laneway.mesh.names import is_wildcard
from laneway.mesh.refusals.common import Finding, field_of
from laneway.mesh.refusals.http_match import http_match, regex, text_match
from laneway.mesh.rules import is_host_header
from laneway.spec.istio import Headers, HTTPRoute
from laneway.spec.istio.validation import contradictions

MILLISECOND = timedelta(milliseconds=1)

RETRY_CONDITIONS = frozenset(
    {
        "5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "envoy-ratelimited",
        "retriable-4xx", "refused-stream", "retriable-status-codes", "retriable-headers",
        "http3-post-connect-failure", "cancelled", "deadline-exceeded", "internal", "resource-exhausted",
        "unavailable",
    }
)  # fmt: skip
"""Envoy's words for `retryOn`; statuses may stand among them."""


def http_rule(rule: HTTPRoute) -> Iterator[Finding]:
    """All that is wrong with a rule."""
    yield from _action(rule)
    for index, match in enumerate(rule.match):
        for field, text in http_match(match):
            yield f"match[{index}].{field}", text
    for path, text, remedy in contradictions(rule):
        yield field_of(path), f"{text}; {remedy}"
    yield from _times(rule)
    yield from _destinations(rule)
    yield from _texts(rule)
    for part in (rule.retries.retry_on or "").split(",") if rule.retries else ():
        yield from _retry_condition(part.strip())
    yield from _header_changes(rule)


def _action(rule: HTTPRoute) -> Iterator[Finding]:
    given = [rule.route or None, rule.redirect, rule.direct_response]
    if sum(action is not None for action in given) != 1:
        yield "route", "give exactly one of `route`, `redirect` and `directResponse`"
    if len(rule.route) > 1 and not any(share.weight for share in rule.route):
        yield "route", "the weights add up to 0; give one of them a weight"


def _times(rule: HTTPRoute) -> Iterator[Finding]:
    retries, delay = rule.retries, rule.fault.delay if rule.fault else None
    times = {
        "timeout": rule.timeout,
        "retries.perTryTimeout": retries.per_try_timeout if retries else None,
        "retries.backoff": retries.backoff if retries else None,
        "fault.delay.fixedDelay": delay.fixed_delay if delay else None,
    }
    for field, time in times.items():
        if time is not None and time < MILLISECOND:
            yield field, "must be at least 1ms; leave it out for no limit"


def _destinations(rule: HTTPRoute) -> Iterator[Finding]:
    found = {f"route[{index}].destination": share.destination for index, share in enumerate(rule.route)}
    found |= {f"mirrors[{index}].destination": each.destination for index, each in enumerate(rule.mirrors)}
    if rule.mirror is not None:
        found["mirror"] = rule.mirror
    for field, destination in found.items():
        if is_wildcard(destination.host):
            yield f"{field}.host", "a destination is one host; write its whole name"


def _texts(rule: HTTPRoute) -> Iterator[Finding]:
    if rule.rewrite is not None and rule.rewrite.uri_regex_rewrite is not None:
        yield from regex("rewrite.uriRegexRewrite.match", rule.rewrite.uri_regex_rewrite.match)
    for index, origin in enumerate(rule.cors_policy.allow_origins if rule.cors_policy else ()):
        yield from text_match(f"corsPolicy.allowOrigins[{index}]", origin, may_be_empty=False)


def _retry_condition(word: str) -> Iterator[Finding]:
    if word and not word.isdigit() and word not in RETRY_CONDITIONS:
        yield "retries.retryOn", f"{word!r} is no condition of Envoy's; write one like 5xx or reset"
    if word.isdigit() and not 100 <= int(word) <= 599:
        yield "retries.retryOn", f"{word} is no status; write one from 100 to 599"


def _header_changes(rule: HTTPRoute) -> Iterator[Finding]:
    yield from _headers("headers", rule.headers)
    for index, share in enumerate(rule.route):
        yield from _headers(f"route[{index}].headers", share.headers)
    rewritten = rule.rewrite is not None and rule.rewrite.authority is not None
    if rewritten and _hosts(rule.headers):
        yield "rewrite.authority", "the authority is set more than once; keep one of them"


def _headers(field: str, headers: Headers | None) -> Iterator[Finding]:
    for side, operations in (("request", headers.request), ("response", headers.response)) if headers else ():
        if operations is None:
            continue
        for verb, names in (("set", operations.set), ("add", operations.add), ("remove", operations.remove)):
            for name in names:
                host = is_host_header(name) and side == "request" and verb != "remove"
                if not name or ((name.startswith(":") or is_host_header(name)) and not host):
                    yield f"{field}.{side}.{verb}", f"{name!r} cannot be changed; for the host use `rewrite`"
    if len(_hosts(headers)) > 1:
        yield f"{field}.request.set", "the authority is set more than once; keep one of them"


def _hosts(headers: Headers | None) -> list[str]:
    """The names that stand for the request's Host among those that are set or added."""
    operations = headers.request if headers else None
    given = (*operations.set, *operations.add) if operations else ()
    return [name for name in given if is_host_header(name)]
