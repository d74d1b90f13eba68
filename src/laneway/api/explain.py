"""A walk through the mesh's rules as the document that `laneway explain` prints. Pure.

Must not know how rules are matched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from laneway.control.status import Explanation, RuleTried, Target
from laneway.control.status import Hop as HopDocument
from laneway.mesh.matching import Request
from laneway.mesh.registry import Registry
from laneway.mesh.walk import AtGateway, AtSidecar, Hop, Place, Share, Walk, walk

HTTP_PORT = 80


def explain(
    registry: Registry,
    url: str,
    method: str,
    headers: Sequence[tuple[str, str]],
    source: AtSidecar | None,
    ingress_ports: Sequence[int],
    ingress_labels: Mapping[str, str],
) -> Explanation:
    """The way of a request that leaves by the sidecar `source`, or enters at the ingress.

    A `Host` header takes precedence over the URL's. ingress_ports: server ports of the ingress; a request for
    any other port of a URL comes to the lowest, where the ingress's own URL leads. ingress_labels: of its
    pods.
    """
    parts = urlsplit(url if "//" in url else f"//{url}")
    given = {name.lower(): value for name, value in headers}
    authority = given.pop("host", parts.netloc.rpartition("@")[2])
    host, _, number = authority.partition(":")
    port = int(number) if number.isdecimal() else HTTP_PORT
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    place: Place
    if source is not None:
        place = source
    else:
        lowest = min(ingress_ports, default=HTTP_PORT)
        server = port if port in ingress_ports else lowest
        place = AtGateway(ingress_labels, server, "ingress gateway")
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
        at=hop.place,
        source=source,
        rules=rules,
        effects=[*hop.effects, *_redirect(hop), *map(_copies, hop.mirrors)],
        targets=[_target(share) for share in hop.shares],
    )


def _redirect(hop: Hop) -> list[str]:
    return [f"redirect: the client is sent to {hop.location}"] if hop.location else []


def _copies(mirror: Share) -> str:
    return f"mirror: copies of {mirror.percent:g} % go to {_where(mirror)}, {_ready(mirror)}"


def _rule(position: int, name: str) -> str:
    return f"#{position + 1} {name}".rstrip()


def _target(share: Share) -> Target:
    weight = round(share.percent, 2)
    return Target(host=share.host, subset=share.subset or None, weight=weight, ready=list(share.ready))


def _outcome(last: Hop) -> str:
    if last.error:
        return f"{last.place} answers {last.status}: {last.error}" if last.status else last.error
    if last.status:
        led = f": go to {last.location}" if last.location else ""
        return f"{last.place} answers {last.status} by itself{led}"
    return "; ".join(f"{share.percent:g} % to {_where(share)}: {_ready(share)}" for share in last.shares)


def _where(share: Share) -> str:
    return f"{share.host}:{share.port}" + (f" subset {share.subset}" if share.subset else "")


def _ready(share: Share) -> str:
    if share.problem:
        return f"503, {share.problem}"
    return f"{len(share.ready)} ready pod{'' if len(share.ready) == 1 else 's'}"
