"""Where a request goes and why, hop by hop, read from the same objects and rows as the translation.

Must not know Envoy, nor what an application does with a request that reached it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from laneway.mesh.backends import backends_of
from laneway.mesh.effects import answer_of, effects_of
from laneway.mesh.forwarding import HTTP_PORT, forwarded
from laneway.mesh.gateways import GatewayTable, servers_of
from laneway.mesh.matching import Request, fit, misfit
from laneway.mesh.paths import normalised
from laneway.mesh.registry import Registry
from laneway.mesh.rules import Caller, Row, Site, Target, blocks_of, mirrors_of, targets_of
from laneway.mesh.visibility import Visibility
from laneway.spec.meta import Key
from laneway.spec.naming import MESH
from laneway.spec.protocols import Protocol

GATEWAYS_MAX = 4
"""A request that passes more gateways goes round in circles."""


@dataclass(frozen=True, slots=True)
class AtSidecar:
    """The request is an application's. name: what the hop is called; labels: of the application's pod."""

    namespace: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AtGateway:
    """The request comes to a gateway with these labels. port: of the Gateway's server, not the URL's."""

    labels: Mapping[str, str]
    port: int
    name: str
    namespace: str = "istio-system"


Place = AtSidecar | AtGateway


@dataclass(frozen=True, slots=True)
class Miss:
    """A match block that was passed over. rule: its position in the VirtualService, from 0; why: in words."""

    virtual_service: Key
    rule: int
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Share:
    """A destination. percent: of the requests that take this route; ready: pods or addresses behind it.

    problem: why requests that go there get a 503; empty where they are served.
    """

    host: str
    port: int
    subset: str
    percent: float
    ready: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Hop:
    """One decision. host: what the request's name stands for here, empty where it is unknown.

    virtual_service, rule, name: the rule that matched, its position from 0; None where the default route of
    the host is taken, or none; why: what made it match; effects: what else happens to the request, in words;
    mirrors: who gets copies, percent: of how many requests; status: what the proxy answers by itself, 0 where
    it sends the request on; location: where a redirect leads; error: why, where an answer is a failure.
    """

    place: str
    request: Request
    host: str = ""
    virtual_service: Key | None = None
    rule: int | None = None
    name: str = ""
    why: str = ""
    misses: tuple[Miss, ...] = ()
    effects: tuple[str, ...] = ()
    shares: tuple[Share, ...] = ()
    mirrors: tuple[Share, ...] = ()
    status: int = 0
    location: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Walk:
    """The hops, in the order in which a request takes them; after a split, one branch after the other."""

    hops: tuple[Hop, ...]

    @property
    def last(self) -> Hop:
        """Where the request leaves the mesh's proxies."""
        return self.hops[-1]


@dataclass(frozen=True, slots=True)
class _Table:
    """What a proxy has for a host. rows: excluded ones too; default: where requests without a match go."""

    host: str
    site: Site
    rows: tuple[Row, ...]
    default: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class _Denial:
    """What a proxy answers that has no table for the request; status 0: it lets the request pass."""

    status: int
    error: str


def walk(registry: Registry, place: Place, request: Request) -> Walk:
    """Follow a request from the first proxy to the pods, through any gateway that it is routed to."""
    lower = {name.lower(): value for name, value in request.headers.items()}
    first = replace(request, host=request.host.lower(), headers=lower)
    return Walk(tuple(_hops(registry, place, first, GATEWAYS_MAX)))


def _hops(registry: Registry, place: Place, request: Request, gateways_left: int) -> Iterator[Hop]:
    request = replace(request, path=normalised(request.path))
    table = _table(registry, place, request)
    if isinstance(table, _Denial):
        yield Hop(place.name, request, status=table.status, error=table.error)
        return
    row, misses = _decide(table.rows, request)
    hop = Hop(place.name, request, table.host, misses=misses)
    if row is not None:
        hop = _matched(hop, row, request)
        if answer := answer_of(row, request, table.site):
            yield replace(hop, status=answer.status, location=answer.location)
            return
    targets = targets_of(row, table.site, registry) if row else table.default
    if not targets:
        yield replace(hop, status=404, error="no rule matches")
        return
    mirrors = tuple(
        _share(registry, mirror.target, mirror.percent)
        for mirror in (mirrors_of(row, table.site, registry) if row else ())
    )
    yield replace(hop, shares=_shares(registry, targets), mirrors=mirrors)
    for target in targets:
        gateway = _gateway(registry, target)
        if gateway is None:
            continue
        onward = forwarded(request, row, target, shared=len(targets) > 1) if row else request
        if not gateways_left:
            yield Hop(gateway.name, onward, error="the request goes round in circles")
            return
        yield from _hops(registry, gateway, onward, gateways_left - 1)


def _matched(hop: Hop, row: Row, request: Request) -> Hop:
    return replace(
        hop,
        virtual_service=row.source.key,
        rule=row.rule,
        name=row.name,
        why=fit(row, request),
        effects=effects_of(row, request),
    )


def _table(registry: Registry, place: Place, request: Request) -> _Table | _Denial:
    match place:
        case AtSidecar():
            return _mesh_table(registry, place, request)
        case AtGateway():
            return _gateway_table(registry, place, request)


def _mesh_table(registry: Registry, place: AtSidecar, request: Request) -> _Table | _Denial:
    sight = registry.visibility(place.namespace, place.labels)
    name = registry.called(request.host, place.namespace)
    if name is None:
        text = f"nothing in the mesh is called {request.host} from namespace {place.namespace}"
        return _unknown(registry, sight, text)
    if sight and not registry.visible(name, sight):
        return _unknown(registry, sight, f"{name} is not visible: Sidecar {sight.source} does not name it")
    host = registry.host(name)
    ports = {port.number: port.protocol for port in host.ports} if host else {HTTP_PORT: Protocol.HTTP}
    if request.port not in ports:
        text = f"{name} has no port {request.port}, only {', '.join(map(str, ports))}"
        return _unknown(registry, sight, text)
    if not ports[request.port].http:
        return _Denial(502, f"port {request.port} of {name} is {ports[request.port]}: its bytes are not read")
    caller = Caller(place.namespace, frozenset(place.labels.items()))
    site = Site(frozenset({MESH}), request.port, caller)
    rules = registry.rules_of(name)
    blocks = blocks_of([rules] if rules else [], site)
    if all(block.excluded for block in blocks):
        # A VirtualService with no rule for this place does not govern it: requests take the default route.
        default = (Target(name, request.port, "", 1),) if host else ()
        return _Table(name, site, blocks, default)
    return _Table(name, site, blocks)


def _unknown(registry: Registry, sight: Visibility | None, why: str) -> _Denial:
    """What happens to a request for what its caller does not know."""
    if registry.allows(sight):
        return _Denial(0, f"{why}; the request passes to the host that it names: ALLOW_ANY")
    return _Denial(502, why)


def _gateway_table(registry: Registry, place: AtGateway, request: Request) -> _Table | _Denial:
    servers = servers_of(registry.gateways(), place.labels)
    caller = Caller(place.namespace, frozenset(place.labels.items()))
    table = GatewayTable(servers, registry.virtual_services(), caller)
    if place.port not in table.ports:
        return _Denial(404, f"no Gateway has a server on port {place.port} here")
    host = table.serving(place.port, request.host)
    if host is None:
        return _Denial(404, f"no VirtualService is bound to this gateway for host {request.host}")
    site = table.site(place.port)
    return _Table(host, site, blocks_of(table.sources((place.port, host)), site))


def _decide(rows: Iterable[Row], request: Request) -> tuple[Row | None, tuple[Miss, ...]]:
    """The first row that matches, and why each before it does not."""
    misses: list[Miss] = []
    for row in rows:
        why = misfit(row, request)
        if not why:
            return row, tuple(misses)
        misses.append(Miss(row.source.key, row.rule, row.name, why))
    return None, tuple(misses)


def _shares(registry: Registry, targets: tuple[Target, ...]) -> tuple[Share, ...]:
    total = sum(target.weight for target in targets)
    return tuple(
        _share(registry, target, 100 * target.weight / total if len(targets) > 1 else 100.0)
        for target in targets
    )


def _share(registry: Registry, target: Target, percent: float) -> Share:
    share = Share(target.host, target.port, target.subset, percent)
    host = registry.host(target.host)
    if host is None:
        return replace(share, problem="there is no such host")
    port = next((port for port in host.ports if port.number == target.port), None)
    if port is None:
        return replace(share, problem=f"the host has no port {target.port}")
    subset = registry.policy(host).subset(target.subset)
    if target.subset and subset is None:
        return replace(share, problem="no DestinationRule has this subset")
    labels = subset.labels if subset else {}
    backends = backends_of(host, port, labels, registry.pods_of(host.name))
    ready = tuple(backend.name for backend in backends if backend.ready)
    problem = "" if ready else f"none of its {len(backends)} pods is ready" if backends else "it has no pod"
    return replace(share, ready=ready, problem=problem)


def _gateway(registry: Registry, target: Target) -> AtGateway | None:
    """The gateway behind a destination: its pods carry the labels that a Gateway with this port selects."""
    for pod in registry.pods_of(target.host):
        servers = servers_of(registry.gateways(), pod.labels)
        if any(server.port == target.port for server in servers):
            return AtGateway(pod.labels, target.port, f"gateway {target.host}", pod.namespace)
    return None
