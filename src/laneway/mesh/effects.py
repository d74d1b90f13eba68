"""What a rule does with a request besides sending it on: faults, answers of the proxy's own, in words.

Owns the order in which these come: a fault, then the answer to a preflight, then redirect or direct response.
Must not know where requests go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from laneway.mesh.cors import allows, preflight_answered
from laneway.mesh.faults import aborted_with, percent_of
from laneway.mesh.matching import Request
from laneway.mesh.redirects import location
from laneway.mesh.rules import Row, Site
from laneway.spec.istio import HTTPFaultInjection
from laneway.spec.values import format_duration


class Answer(NamedTuple):
    """What a proxy answers by itself. location: where a redirect leads; empty for every other answer."""

    status: int
    location: str = ""


def answer_of(row: Row, request: Request, site: Site) -> Answer | None:
    """The answer that a request certainly gets from the proxy itself; None where it may be sent on."""
    rule = row.route
    if status := aborted_with(rule.fault):
        return Answer(status)
    if preflight_answered(rule.cors_policy, request):
        return Answer(200)
    if rule.redirect is not None:
        return Answer(rule.redirect.redirect_code, location(rule.redirect, site.port, request))
    if rule.direct_response is not None:
        return Answer(rule.direct_response.status)
    return None


def effects_of(row: Row, request: Request) -> tuple[str, ...]:
    """What else happens to a request, in words."""
    return (*_faults(row.route.fault), *_cors(row, request))


def _faults(fault: HTTPFaultInjection | None) -> Iterator[str]:
    if fault is None:
        return
    if fault.delay is not None and (percent := percent_of(fault.delay)):
        yield f"fault: {percent:g} % wait {format_duration(fault.delay.fixed_delay)}"
    if fault.abort is not None and (percent := percent_of(fault.abort)):
        status = fault.abort.http_status or f"gRPC status {fault.abort.grpc_status}"
        yield f"fault: {percent:g} % are answered with {status}"


def _cors(row: Row, request: Request) -> Iterator[str]:
    policy, origin = row.route.cors_policy, request.headers.get("origin")
    if policy is None or not origin:
        return
    yield f"cors: pages of {origin} {'may' if allows(policy, origin) else 'may not'} read the answer"
    if preflight_answered(policy, request):
        yield "cors: the proxy answers the preflight"
