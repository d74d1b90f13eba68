"""The rules of VirtualServices as rows: what a proxy tries in order, for one port of one host at one place.

Owns which match blocks hold at a place, in what order rows are tried, and where their traffic goes. Both the
translation and the walker read rows, so what is explained is what is served. Must not know Envoy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from laneway.mesh.conditions import AUTHORITY, Condition, conditions_of
from laneway.mesh.names import gateways_of, outbound
from laneway.mesh.registry import Registry
from laneway.spec.istio import (
    Destination,
    Headers,
    HTTPMatchRequest,
    HTTPRoute,
    L4MatchAttributes,
    VirtualService,
)
from laneway.spec.naming import MESH, full_gateway, full_host


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose proxy reads the rules: its namespace, and its labels as pairs."""

    namespace: str = ""
    labels: frozenset[tuple[str, str]] = frozenset()

    @property
    def name(self) -> str:
        """Namespace and labels in one text."""
        return f"{self.namespace};" + ",".join(f"{name}={value}" for name, value in sorted(self.labels))

    def fault(self, match: HTTPMatchRequest | L4MatchAttributes) -> str:
        """Why a match block is for other callers, in words; empty where it is for this one."""
        for name, value in match.source_labels.items():
            if (name, value) not in self.labels:
                return f"the caller does not have the label {name}: {value}"
        if match.source_namespace and match.source_namespace != self.namespace:
            there = self.namespace or "no namespace"
            return f"the caller is in {there}, the rule is for callers in {match.source_namespace} only"
        return ""


NOBODY = Caller()
"""A caller that fulfils no condition: for rules that have none."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where rules are read: at the sidecars (`mesh`) or these gateways (namespace/name), for one port."""

    gateways: frozenset[str]
    port: int
    caller: Caller = NOBODY


@dataclass(frozen=True, slots=True)
class Row:
    """One match block of one rule. rule, block: positions in the VirtualService, from 0.

    excluded: why the block is never tried here, in words; empty where it is.
    """

    source: VirtualService
    rule: int
    block: int
    conditions: tuple[Condition, ...]
    excluded: str = ""

    @property
    def route(self) -> HTTPRoute:
        """The rule that decides when the conditions hold."""
        return self.source.spec.http[self.rule]

    @property
    def match(self) -> HTTPMatchRequest:
        """The match block."""
        blocks = self.route.match
        return blocks[self.block] if blocks else HTTPMatchRequest()

    @property
    def name(self) -> str:
        """Istio's name of the route: the rule's, followed by the match block's where it has one."""
        parts = (self.route.name, self.match.name)
        return ".".join(part for part in parts if part)

    @property
    def catch_all(self) -> bool:
        """Every request that gets here stops here."""
        return all(condition.always for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Target:
    """A share of a route's traffic. weight: relative to the sum over the targets.

    headers: what changes for this share alone.
    """

    host: str
    port: int
    subset: str
    weight: int
    headers: Headers | None = None

    @property
    def cluster(self) -> str:
        """Istio's name of the cluster."""
        return outbound(self.host, self.port, self.subset)


@dataclass(frozen=True, slots=True)
class Mirror:
    """Who gets copies of a route's requests. percent: of how many of them."""

    target: Target
    percent: float


def rows_of(sources: Iterable[VirtualService], site: Site) -> tuple[Row, ...]:
    """The rows that a proxy tries at a place, in order."""
    return tuple(row for row in blocks_of(sources, site) if not row.excluded)


def blocks_of(sources: Iterable[VirtualService], site: Site) -> tuple[Row, ...]:
    """The rows that a proxy tries at a place, in order, and those that are excluded, where they would stand.

    Within a VirtualService nothing follows its first catch-all. Where several govern a host, at a gateway,
    catch-alls go last.
    """
    rows = [row for source in sources for row in _rows(source, site)]
    return tuple(sorted(rows, key=lambda row: row.catch_all and not row.excluded))


def _rows(source: VirtualService, site: Site) -> Iterator[Row]:
    bound = gateways_of(source)
    for index, rule in enumerate(source.spec.http):
        for block, match in enumerate(rule.match or [HTTPMatchRequest()]):
            gateways = bound & _gateways(source, match) if match.gateways else bound
            row = Row(source, index, block, conditions_of(match), _exclusion(match, gateways, site))
            yield row
            if row.catch_all and not row.excluded:
                return


def _gateways(source: VirtualService, match: HTTPMatchRequest) -> frozenset[str]:
    return frozenset(full_gateway(name, source.metadata.namespace) for name in match.gateways)


def _exclusion(match: HTTPMatchRequest, gateways: frozenset[str], site: Site) -> str:
    """Why a match block for these gateways is never tried at a place; empty where it is."""
    if match.port is not None and match.port != site.port:
        return f"the port is {site.port}, the rule is for port {match.port} only"
    if gateways.isdisjoint(site.gateways):
        here = "sidecars" if MESH in site.gateways else "gateway " + ", ".join(sorted(site.gateways))
        return f"this is read at {here}, the rule is for {', '.join(sorted(gateways)) or 'no gateway'} only"
    return site.caller.fault(match) if asks_for_caller(match) else ""


def asks_for_caller(match: HTTPMatchRequest) -> bool:
    """Whether a match block is for some callers only. One that names gateways is not: Istio's rule."""
    return not match.gateways and bool(match.source_labels or match.source_namespace)


def verdict(rules: VirtualService | None, caller: Caller) -> tuple[bool, ...]:
    """Of the match blocks that are for some callers only, which are for this one."""
    matches = (match for rule in (rules.spec.http if rules else ()) for match in rule.match)
    return tuple(not caller.fault(match) for match in matches if asks_for_caller(match))


def tells_apart(rules: VirtualService | None) -> bool:
    """Whether rules hold for some callers only."""
    return bool(verdict(rules, NOBODY))


def targets_of(row: Row, site: Site, registry: Registry) -> tuple[Target, ...]:
    """Where a row's traffic goes.

    One destination takes all, whatever its weight; of several, those of weight 0 drop out.
    """
    found = tuple(
        _target(row, share.destination, site, registry, share.weight, share.headers)
        for share in row.route.route
    )
    return found if len(found) == 1 else tuple(target for target in found if target.weight)


def mirrors_of(row: Row, site: Site, registry: Registry) -> tuple[Mirror, ...]:
    """Who gets copies of a row's traffic: `mirror`, then `mirrors`; those with 0 % drop out."""
    rule, found = row.route, []
    if rule.answers:
        return ()
    if rule.mirror is not None:
        given = rule.mirror_percentage.value if rule.mirror_percentage else rule.mirror_percent
        found.append(Mirror(_target(row, rule.mirror, site, registry), 100.0 if given is None else given))
    for policy in rule.mirrors:
        percent = policy.percentage.value if policy.percentage else 100.0
        found.append(Mirror(_target(row, policy.destination, site, registry), percent))
    return tuple(mirror for mirror in found if mirror.percent)


def _target(
    row: Row,
    destination: Destination,
    site: Site,
    registry: Registry,
    weight: int = 0,
    headers: Headers | None = None,
) -> Target:
    host = full_host(destination.host, row.source.metadata.namespace)
    port = destination.port.number if destination.port else _port_of(host, site, registry)
    return Target(host, port, destination.subset or "", weight, headers)


def _port_of(host: str, site: Site, registry: Registry) -> int:
    """The port of a destination that names none.

    At a sidecar the request's: Istio looks there among the hosts that have that port, and at no others.
    """
    return site.port if MESH in site.gateways else only_port(registry, host, site.port)


def only_port(registry: Registry, host: str, otherwise: int) -> int:
    """The port of a destination that names none: its host's only port, else that of the request."""
    known = registry.host(host)
    return known.ports[0].number if known and len(known.ports) == 1 else otherwise


def rewritten_authority(rule: HTTPRoute) -> str | None:
    """The Host that a rule gives the request: by rewrite, or by setting `host` as if it were a header."""
    if rule.rewrite is not None and rule.rewrite.authority is not None:
        return rule.rewrite.authority
    return host_header(rule.headers)


def host_header(headers: Headers | None) -> str | None:
    """The Host that changes of headers give: set, else added; None where they leave it."""
    operations = headers.request if headers else None
    given = (*operations.set.items(), *operations.add.items()) if operations else ()
    return next((value for name, value in given if is_host_header(name)), None)


def is_host_header(name: str) -> bool:
    """Whether a header's name stands for the request's Host."""
    return name.lower() in {"host", AUTHORITY}
