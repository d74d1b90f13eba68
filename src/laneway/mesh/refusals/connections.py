"""Of a VirtualService's rules for connections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from laneway.mesh.names import is_wildcard
from laneway.mesh.refusals.common import Finding
from laneway.spec.istio import RouteDestination, VirtualService
from laneway.spec.naming import covers


def connection_rules(value: VirtualService) -> Iterator[Finding]:
    """All that is wrong with `tls` and `tcp`."""
    for index, rule in enumerate(value.spec.tls):
        for block, match in enumerate(rule.match):
            for position, name in enumerate(match.sni_hosts):
                if not any(covers(host, name) for host in value.spec.hosts):
                    field = f"tls[{index}].match[{block}].sniHosts[{position}]"
                    yield field, f"{name} is none of the hosts of the VirtualService; add it to `hosts`"
        yield from _route(f"tls[{index}].route", rule.route)
    for index, tcp in enumerate(value.spec.tcp):
        yield from _route(f"tcp[{index}].route", tcp.route)


def _route(field: str, route: Sequence[RouteDestination]) -> Iterator[Finding]:
    if len(route) > 1 and not any(share.weight for share in route):
        yield field, "the weights add up to 0; give one of them a weight"
    for index, share in enumerate(route):
        if is_wildcard(share.destination.host):
            yield f"{field}[{index}].destination.host", "a destination is one host; write its whole name"
