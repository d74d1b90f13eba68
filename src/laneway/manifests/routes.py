"""Rules: an App's VirtualService on its mesh host, and one per gateway host with the rules of all its Apps.

Order within an app: a lane's rules, then `any lane: stable` while a release runs, then the user's rules with
weights. Each user rule is cloned per lane with the lane's header ANDed into each of its match blocks: a bare
lane rule would steal the paths of the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from laneway.manifests import names
from laneway.manifests.narrowing import narrowed
from laneway.manifests.workloads import Manifest, meta
from laneway.plan.observed import Table, Weights
from laneway.plan.result import AppPlan, LaneRule
from laneway.spec.app import App
from laneway.spec.istio import HTTPMatchRequest, VirtualService
from laneway.spec.meta import Key
from laneway.spec.naming import MESH, full_gateway
from laneway.spec.values import FULL

ANY_LANE = "any-lane"


def mesh_rules(app: App, plan: AppPlan, header: str) -> Manifest:
    """The VirtualService of the app's mesh host: no other names that host."""
    http = list(_app_rules(app, plan, header, (MESH,), (MESH,)))
    spec = {"hosts": [names.host(*app.key)], "gateways": [MESH], "http": http}
    return _virtual_service(app.key, {names.APP: app.metadata.name}, spec)


def gateway_rules(apps: Mapping[Key, tuple[App, AppPlan]], header: str) -> Iterator[Manifest]:
    """One VirtualService per gateway host, with the rules of its Apps by `order`, then age, then name."""
    for key, (host, sharing) in sorted(gateway_hosts(app for app, _ in apps.values()).items()):
        gateways = tuple(sorted({gateway for app in sharing for gateway in _gateways(app)}))
        http = [
            rule for app in sharing for rule in _app_rules(*apps[app.key], header, _gateways(app), gateways)
        ]
        yield _virtual_service(key, {}, {"hosts": [host], "gateways": list(gateways), "http": http})


def gateway_hosts(apps: Iterable[App]) -> dict[Key, tuple[str, list[App]]]:
    """Each VirtualService of a gateway host: the host, and the Apps that share it, in order of their rules.

    A host has one, whatever the namespaces of its Apps: the first of these by name has it.
    """
    by_host: dict[str, list[App]] = {}
    for app in apps:
        if app.spec.routing.gateways:
            for host in app.spec.routing.hosts:
                by_host.setdefault(host.lower(), []).append(app)
    return {
        Key(min(app.metadata.namespace for app in sharing), names.gateway_host_rules(host)): (
            host,
            sorted(sharing, key=_precedence),
        )
        for host, sharing in by_host.items()
    }


def _gateways(app: App) -> tuple[str, ...]:
    return tuple(sorted({full_gateway(name, app.metadata.namespace) for name in app.spec.routing.gateways}))


def _precedence(app: App) -> tuple[int, bool, float, str, str]:
    created = app.metadata.creation_timestamp
    age = created.timestamp() if created else 0.0
    return app.spec.routing.order, created is None, age, app.metadata.name, app.metadata.namespace


def _virtual_service(key: Key, labels: dict[str, str], spec: Manifest) -> Manifest:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": meta(key, labels),
        "spec": spec,
    }


def _app_rules(
    app: App, plan: AppPlan, header: str, at: tuple[str, ...], among: tuple[str, ...]
) -> Iterator[Manifest]:
    """The rules of one app where it is reached. at: its gateways; among: those of the VirtualService."""
    rules = list(_rules_at(app, at, among))
    port = None if MESH in at else _port(app)
    for lane in plan.lanes:
        for rule in rules:
            yield from _lane_rule(app, rule, lane, header, port)
    if plan.guard:
        stable = _destinations(app, {plan.stable: FULL}, port)
        for rule in rules:
            for clone in _clone(rule, ANY_LANE, header, None):
                yield clone | {"route": stable}
    for rule in rules:
        yield rule | {"route": _destinations(app, plan.weights, port)}


def _port(app: App) -> int | None:
    """A gateway's destination needs a port where the Service has several; a sidecar's has the one called."""
    ports = app.spec.service.ports
    return ports[0].port if len(ports) > 1 else None


def _rules_at(app: App, at: tuple[str, ...], among: tuple[str, ...]) -> Iterator[Manifest]:
    """The user's rules that hold at one of these gateways; without any, one that matches everything there."""
    found = False
    for rule in app.spec.routing.http:
        matches = [m for match in rule.match if (m := _match_at(app, match, at, among)) is not None]
        if rule.match and not matches:
            continue
        found = True
        written = {"name": rule.name or "default"} | rule.written()
        written["match"] = matches or _everything(at, among)
        yield _plain(written)
    if not found:
        yield _plain({"name": "default", "match": _everything(at, among)})


def _match_at(
    app: App, match: HTTPMatchRequest, at: tuple[str, ...], among: tuple[str, ...]
) -> Manifest | None:
    """A match of a user's rule for those gateways of the VirtualService at which it holds; None at none."""
    named = {full_gateway(name, app.metadata.namespace) for name in match.gateways}
    holds = [gateway for gateway in at if not named or gateway in named]
    if not holds:
        return None
    written = match.written()
    written.pop("gateways", None)
    return written if len(holds) == len(among) else written | {"gateways": holds}


def _everything(at: tuple[str, ...], among: tuple[str, ...]) -> list[Manifest]:
    return [{}] if at == among else [{"gateways": list(at)}]


def _plain(rule: Manifest) -> Manifest:
    """A rule without its matches where one of them is empty, and so matches everything."""
    return rule if all(rule["match"]) else {field: rule[field] for field in rule if field != "match"}


def _lane_rule(app: App, rule: Manifest, lane: LaneRule, header: str, port: int | None) -> Iterator[Manifest]:
    for clone in _clone(rule, f"lane-{lane.lane}", header, lane.value):
        if lane.to is None:
            text = f"lane {lane.lane} has no version of {app.metadata.name} that can serve\n"
            answer = {"status": 503, "body": {"string": text}}
            yield {"name": clone["name"], "match": clone["match"], "directResponse": answer}
        else:
            service = names.lane_service(app.metadata.name, lane.to)
            host = names.host(app.metadata.namespace, service)
            yield clone | {"route": [_destination(host, None, port)]}


def _clone(rule: Manifest, name: str, header: str, value: str | None) -> Iterator[Manifest]:
    """The rule for requests with this lane's value, or with any; none where its own matches exclude them."""
    matches = [m for match in rule.get("match") or [{}] if (m := narrowed(match, header, value)) is not None]
    if matches:
        yield rule | {"name": f"{name}-{rule['name']}", "match": matches}


def _destinations(app: App, weights: Weights, port: int | None) -> list[Manifest]:
    host = names.host(*app.key)
    if len(weights) == 1:
        return [_destination(host, names.subset(next(iter(weights))), port)]
    whole = sum(weights.values()) == FULL and not any(weight % 100 for weight in weights.values())
    return [
        _destination(host, names.subset(revision), port) | {"weight": weight // 100 if whole else weight}
        for revision, weight in sorted(weights.items())
    ]


def _destination(host: str, subset: str | None, port: int | None) -> Manifest:
    destination: Manifest = {"host": host}
    if subset:
        destination["subset"] = subset
    if port:
        destination["port"] = {"number": port}
    return {"destination": destination}


def table_of(app: Key, rules: VirtualService) -> Table:
    """The route table that a mesh VirtualService written here holds: the inverse of `mesh_rules`."""
    own = names.host(*app)
    lanes: set[str] = set()
    for rule in rules.spec.http:
        for route in rule.route:
            lane = names.lane_of_host(route.destination.host, app) if route.destination.host != own else None
            lanes |= {lane} if lane else set()
    last = rules.spec.http[-1].route
    weights = {names.revision_of_subset(r.destination.subset or ""): r.weight for r in last}
    return Table(_basis_points(weights), frozenset(lanes))


def _basis_points(weights: Mapping[str, int]) -> Weights:
    if len(weights) == 1:
        return dict.fromkeys(weights, FULL)
    percent = sum(weights.values()) == 100
    return {revision: weight * 100 if percent else weight for revision, weight in weights.items()}
