"""A request as the next proxy gets it: what a rule changes of it on the way. Must not know Envoy's messages.

Source of the order: Envoy's RouteEntryImpl, which changes the headers of one of several shares first.
"""

from __future__ import annotations

import re
from dataclasses import replace

from laneway.mesh.conditions import PATH, Op
from laneway.mesh.header_changes import changed
from laneway.mesh.matching import Request
from laneway.mesh.rules import Row, Target, host_header, rewritten_authority
from laneway.spec.istio import HTTPRewrite, RegexRewrite

HTTP_PORT = 80


def forwarded(request: Request, row: Row, target: Target, shared: bool) -> Request:
    """The request on its way to a target. shared: whether the rule has other targets too."""
    host, port = request.host, request.port
    if authority := rewritten_authority(row.route) or host_header(target.headers):
        host, _, number = authority.partition(":")
        port = int(number or HTTP_PORT)
    headers = request.headers
    for changes in (target.headers, row.route.headers) if shared else (row.route.headers, target.headers):
        headers = changed(headers, changes.request if changes else None)
    path = _path(request.path, row, row.route.rewrite) if row.route.rewrite else request.path
    return replace(request, host=host.lower(), port=port, path=path, headers=headers)


def _path(path: str, row: Row, rewrite: HTTPRewrite) -> str:
    """The path with what the rule matched replaced: its prefix, or all of it but the query."""
    bare, mark, query = path.partition("?")
    if rewrite.uri_regex_rewrite is not None:
        return _substituted(bare, rewrite.uri_regex_rewrite) + mark + query
    if rewrite.uri is None:
        return path
    condition = next((condition for condition in row.conditions if condition.subject == PATH), None)
    if condition is None or condition.op is Op.PREFIX:
        matched = len(condition.value) if condition else len("/")
        return rewrite.uri + path[matched:]
    return rewrite.uri + mark + query


def _substituted(path: str, rewrite: RegexRewrite) -> str:
    """Every match replaced. RE2 writes groups as Python does, but for the whole match."""
    substitution = re.sub(r"\\([0-9])", r"\\g<\1>", rewrite.rewrite)
    return re.sub(rewrite.match, substitution, path, flags=re.ASCII)
