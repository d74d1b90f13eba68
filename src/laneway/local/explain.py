"""A walk through the mesh's rules as the document that `laneway explain` prints. Pure.

Must not know how rules are matched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from laneway.local import gateways
from laneway.local.status import Explanation, RuleTried, Target
from laneway.local.status import Hop as HopDocument
from laneway.mesh.matching import Request
from laneway.mesh.registry import Registry
from laneway.mesh.walk import AtGateway, AtSidecar, Hop, Place, Share, Walk, walk
from laneway.spec.meta import Key

HTTP_PORT = 80


def explain(
    registry: Registry,
    url: str,
    method: str,
    headers: Sequence[tuple[str, str]],
    source: Key | None,
    ingress_ports: Sequence[int],
) -> Explanation:
    """The way of a request that leaves a pod of `source`, or enters at the ingress.

    A `Host` header takes precedence over the URL's. ingress_ports: server ports of the ingress; a request for
    any other port of a URL comes to the lowest, where the ingress's own URL leads.
    """
    parts = urlsplit(url if "//" in url else f"//{url}")
    given = {name.lower(): value for name, value in headers}
    authority = given.pop("host", parts.netloc.rpartition("@")[2])
    host, _, number = authority.partition(":")
    port = int(number) if number.isdecimal() else HTTP_PORT
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    place: Place
    if source is not None:
        place = AtSidecar(source.namespace, f"sidecar of {source.name}")
    else:
        lowest = min(ingress_ports, default=HTTP_PORT)
        server = port if port in ingress_ports else lowest
        place = AtGateway(gateways.INGRESS_LABELS, server, "ingress gateway")
        port = server
    return document(walk(registry, place, Request(host, port, path, method, given)))


def document(found: Walk) -> Explanation:
    """The walk as JSON values."""
    return Explanation(
        hops=[_hop(hop) for hop in found.hops],
        outcome=_outcome(found.last),
        status=found.last.status or None,
    )


def _hop(hop: Hop) -> HopDocument:
    rules = [RuleTried(name=_rule(miss.rule, miss.name), matched=False, why=miss.why) for miss in hop.misses]
    if hop.rule is not None:
        rules.append(RuleTried(name=_rule(hop.rule, hop.name), matched=True, why=hop.why))
    source = f"VirtualService {hop.virtual_service}" if hop.virtual_service else hop.host
    return HopDocument(
        at=hop.place, source=source, rules=rules, targets=[_target(share) for share in hop.shares]
    )


def _rule(position: int, name: str) -> str:
    return f"#{position + 1} {name}".rstrip()


def _target(share: Share) -> Target:
    weight = round(share.percent, 2)
    return Target(host=share.host, subset=share.subset or None, weight=weight, ready=list(share.ready))


def _outcome(last: Hop) -> str:
    if last.error:
        return f"{last.place} answers {last.status}: {last.error}" if last.status else last.error
    if last.status:
        return f"{last.place} answers {last.status} by itself"
    return "; ".join(_arrival(last.shares))


def _arrival(shares: Iterable[Share]) -> Iterable[str]:
    for share in shares:
        where = f"{share.host}:{share.port}" + (f" subset {share.subset}" if share.subset else "")
        ready = f"{len(share.ready)} ready pod{'' if len(share.ready) == 1 else 's'}"
        yield f"{share.percent:g} % to {where}: {f'503, {share.problem}' if share.problem else ready}"
