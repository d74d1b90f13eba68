"""What contradicts itself inside one rule for requests, as Istio's own validation refuses it.

Must not know where rules come from, nor who follows them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from laneway.spec.istio.http_actions import (
    CorsPolicy,
    HTTPBody,
    HTTPFaultInjection,
    HTTPRedirect,
    HTTPRetry,
    HTTPRewrite,
)
from laneway.spec.istio.virtual_service import HTTPRule
from laneway.spec.yaml import Path

BODY_BYTES_MAX = 1 << 20
"""Of a direct response."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*"})
GRPC_STATUSES = {
    "OK": 0,
    "CANCELLED": 1,
    "UNKNOWN": 2,
    "INVALID_ARGUMENT": 3,
    "DEADLINE_EXCEEDED": 4,
    "NOT_FOUND": 5,
    "ALREADY_EXISTS": 6,
    "PERMISSION_DENIED": 7,
    "RESOURCE_EXHAUSTED": 8,
    "FAILED_PRECONDITION": 9,
    "ABORTED": 10,
    "OUT_OF_RANGE": 11,
    "UNIMPLEMENTED": 12,
    "INTERNAL": 13,
    "UNAVAILABLE": 14,
    "DATA_LOSS": 15,
    "UNAUTHENTICATED": 16,
}
"""gRPC's statuses: numbers by name."""


class Contradiction(NamedTuple):
    """A part of a rule, what is wrong there, and what to write instead."""

    path: Path
    text: str
    remedy: str


def contradictions(rule: HTTPRule) -> Iterator[Contradiction]:
    """All of a rule's, but that it has one action, which depends on who reads it."""
    yield from _answer(rule)
    if rule.rewrite is not None:
        yield from _below(("rewrite",), _rewrite(rule.rewrite))
    if rule.retries is not None:
        yield from _below(("retries",), _retries(rule.retries))
    if rule.fault is not None:
        yield from _below(("fault",), _fault(rule.fault))
    if rule.cors_policy is not None:
        yield from _below(("corsPolicy",), _cors(rule.cors_policy))
    yield from _mirrors(rule)


def _below(path: Path, found: Iterator[Contradiction]) -> Iterator[Contradiction]:
    return (each._replace(path=(*path, *each.path)) for each in found)


def _answer(rule: HTTPRule) -> Iterator[Contradiction]:
    action = "redirect" if rule.redirect is not None else "directResponse"
    for field, extra in (("fault", rule.fault), ("rewrite", rule.rewrite)):
        if rule.answers and extra is not None:
            yield Contradiction((field,), f"`{field}` beside `{action}`", "keep one of the two")
    if rule.redirect is not None:
        yield from _below(("redirect",), _redirect(rule.redirect))
    if rule.direct_response is not None and rule.direct_response.body is not None:
        yield from _below(("directResponse", "body"), _body(rule.direct_response.body))


def _redirect(redirect: HTTPRedirect) -> Iterator[Contradiction]:
    if redirect.port is not None and redirect.derive_port is not None:
        yield Contradiction(("derivePort",), "`derivePort` beside `port`", "keep one of the two")
    changes = (redirect.uri, redirect.authority, redirect.scheme, redirect.port, redirect.derive_port)
    if not any(changes):
        remedy = "give one of `uri`, `authority`, `scheme`, `port` and `derivePort`"
        yield Contradiction((), "the redirect leads back to where it came from", remedy)


def _body(body: HTTPBody) -> Iterator[Contradiction]:
    if (body.string is None) == (body.bytes_ is None):
        yield Contradiction((), "the body is not exactly one", "give either `string` or `bytes`")
    if len(body.content) > BODY_BYTES_MAX:
        yield Contradiction((), "the body is longer than 1 MiB", "shorten it")


def _rewrite(rewrite: HTTPRewrite) -> Iterator[Contradiction]:
    if rewrite.uri is not None and rewrite.uri_regex_rewrite is not None:
        yield Contradiction(("uriRegexRewrite",), "`uriRegexRewrite` beside `uri`", "keep one of the two")
    if not (rewrite.uri or rewrite.uri_regex_rewrite or rewrite.authority):
        remedy = "give one of `uri`, `uriRegexRewrite` and `authority`"
        yield Contradiction((), "nothing is rewritten", remedy)
    if rewrite.uri_regex_rewrite is not None and not rewrite.uri_regex_rewrite.match:
        yield Contradiction(("uriRegexRewrite", "match"), "the expression is empty", "give an expression")


def _retries(retries: HTTPRetry) -> Iterator[Contradiction]:
    if retries.attempts:
        return
    for field in sorted(retries.model_fields_set - {"attempts"}):
        name = type(retries).model_fields[field].alias or field
        yield Contradiction(
            (name,), f"`{name}` has no effect without attempts", "give `attempts`, or drop it"
        )


def _fault(fault: HTTPFaultInjection) -> Iterator[Contradiction]:
    if fault.delay is None and fault.abort is None:
        yield Contradiction((), "nothing goes wrong", "give `delay`, `abort` or both")
    if fault.delay is not None and fault.delay.percentage and fault.delay.percent is not None:
        yield Contradiction(("delay", "percent"), "`percent` beside `percentage`", "keep `percentage`")
    if fault.abort is None:
        return
    status = fault.abort.grpc_status
    if (fault.abort.http_status is None) == (status is None):
        yield Contradiction(("abort",), "not exactly one status", "give either `httpStatus` or `grpcStatus`")
    if status is not None and status not in GRPC_STATUSES:
        remedy = f"write one of {', '.join(GRPC_STATUSES)}"
        yield Contradiction(("abort", "grpcStatus"), f"gRPC has no status {status}", remedy)


def _mirrors(rule: HTTPRule) -> Iterator[Contradiction]:
    percents = {"mirrorPercentage": rule.mirror_percentage, "mirrorPercent": rule.mirror_percent}
    if rule.mirror is not None and rule.mirrors:
        yield Contradiction(("mirrors",), "`mirrors` beside `mirror`", "keep one of the two")
    if all(value is not None for value in percents.values()):
        text = "`mirrorPercent` beside `mirrorPercentage`"
        yield Contradiction(("mirrorPercent",), text, "keep `mirrorPercentage`")
    for field, value in percents.items():
        if value is not None and rule.mirror is None:
            remedy = "add `mirror`; in `mirrors` each has its `percentage`"
            yield Contradiction((field,), f"`{field}` without `mirror`", remedy)


def _cors(policy: CorsPolicy) -> Iterator[Contradiction]:
    if policy.allow_origin and policy.allow_origins:
        yield Contradiction(("allowOrigin",), "`allowOrigin` beside `allowOrigins`", "keep `allowOrigins`")
    for index, method in enumerate(policy.allow_methods):
        if method not in METHODS:
            remedy = "write it in capitals, like GET"
            yield Contradiction(("allowMethods", index), f"{method} is no method of HTTP", remedy)
    if policy.max_age is not None and policy.max_age % timedelta(seconds=1):
        yield Contradiction(("maxAge",), "`maxAge` is not in whole seconds", "write it like 10m or 30s")
