"""Of a VirtualService."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.mesh.names import gateways_of, is_wildcard
from laneway.mesh.refusals.common import HOST_PATTERN, Finding
from laneway.mesh.refusals.connections import connection_rules
from laneway.mesh.refusals.http_rule import http_rule
from laneway.spec.istio import VirtualService
from laneway.spec.naming import MESH


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
    if not (value.spec.http or value.spec.tls or value.spec.tcp):
        yield "http", "give `http`, `tls` or `tcp`"
    for index, rule in enumerate(value.spec.http):
        for field, text in http_rule(rule):
            yield f"http[{index}].{field}", text
    yield from connection_rules(value)
