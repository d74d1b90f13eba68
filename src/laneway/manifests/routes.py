"""Rules: an App's VirtualService on its mesh host, and one per gateway host with the rules of all its Apps.

Order within an app: a lane's rules, then `any lane: stable` while a release runs, then the user's rules
with weights. Each user rule is cloned per lane with the lane's header ANDed into each of its match blocks: a bare
lane rule would steal the paths of the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from laneway.manifests import names
from laneway.manifests.workloads import Manifest, meta
from laneway.plan.observed import Table, Weights
from laneway.plan.result import AppPlan, LaneRule
from laneway.spec.app import App, Rule
from laneway.spec.istio import VirtualService
from laneway.spec.meta import Key
from laneway.spec.values import FULL

ANY_LANE = "any-lane"
MESH = "mesh"


def mesh_rules(app: App, plan: AppPlan, header: str) -> Manifest:
    """The VirtualService of the app's mesh host: no other names that host."""
    http = list(_app_rules(app, plan, header, MESH, None))
    spec = {"hosts": [names.host(*app.key)], "gateways": [MESH], "http": http}
    return _virtual_service(app.key, {names.APP: app.metadata.name}, spec)


def gateway_rules(apps: Iterable[tuple[App, AppPlan]], header: str) -> Iterator[Manifest]:
    """One VirtualService per gateway host, with the rules of its Apps by `order`, then age, then name."""
    hosts: dict[tuple[str, str, tuple[str, ...]], list[tuple[App, AppPlan]]] = {}
    for app, plan in apps:
        for host in app.spec.routing.hosts:
            hosts.setdefault((app.metadata.namespace, host, tuple(app.spec.routing.gateways)), []).append(
                (app, plan)
            )
    for (namespace, host, gateways), sharing in sorted(hosts.items(), key=lambda item: item[0]):
        ordered = sorted(sharing, key=lambda pair: _precedence(pair[0]))
        qualified = [gateway if "/" in gateway else f"{namespace}/{gateway}" for gateway in gateways]
        http = [
            rule for app, plan in ordered for rule in _app_rules(app, plan, header, qualified[0], _port(app))
        ]
        spec = {"hosts": [host], "gateways": qualified, "http": http}
        yield _virtual_service(Key(namespace, names.gateway_host_rules(host)), {}, spec)


def _precedence(app: App) -> tuple[int, str, str]:
    created = app.metadata.creation_timestamp
    return (app.spec.routing.order, created.isoformat() if created else "~", app.metadata.name)


def _port(app: App) -> int | None:
    """A gateway's destination needs a port where the Service has several."""
    ports = app.spec.service.ports
    return ports[0].port if len(ports) > 1 else None


def _virtual_service(key: Key, labels: dict[str, str], spec: Manifest) -> Manifest:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": meta(key, labels),
        "spec": spec,
    }


def _app_rules(app: App, plan: AppPlan, header: str, at: str, port: int | None) -> Iterator[Manifest]:
    rules = list(_rules_at(app, at))
    for lane in plan.lanes:
        for rule in rules:
            yield _lane_rule(app, rule, lane, header, port)
    if plan.guard:
        stable = _destinations(app, {plan.stable: FULL}, port)
        for rule in rules:
            yield _clone(rule, ANY_LANE, {header: {}}) | {"route": stable}
    for rule in rules:
        yield rule | {"route": _destinations(app, plan.weights, port)}


def _rules_at(app: App, at: str) -> Iterator[Manifest]:
    """The user's rules that hold at the mesh or at a gateway; without any, one that matches everything."""
    found = False
    for rule in app.spec.routing.http:
        matches = [m for m in rule.match if not m.gateways or at in m.gateways]
        if rule.match and not matches:
            continue
        found = True
        yield _written(rule, [m.written() for m in matches])
    if not found:
        yield {"name": "default"}


def _written(rule: Rule, matches: Sequence[Manifest]) -> Manifest:
    written = {"name": rule.name or "default"} | rule.written()
    written.pop("match", None)
    plain = [{field: value for field, value in match.items() if field != "gateways"} for match in matches]
    return written | ({"match": plain} if plain else {})


def _lane_rule(app: App, rule: Manifest, lane: LaneRule, header: str, port: int | None) -> Manifest:
    clone = _clone(rule, f"lane-{lane.lane}", {header: {"exact": lane.value}})
    if lane.to is None:
        text = f"lane {lane.lane} has no version of {app.metadata.name} that can serve\n"
        for field in ("timeout", "retries", "rewrite"):
            clone.pop(field, None)
        return clone | {"directResponse": {"status": 503, "body": {"string": text}}}
    service = names.lane_service(app.metadata.name, lane.to)
    return clone | {"route": [_destination(names.host(app.metadata.namespace, service), None, port)]}


def _clone(rule: Manifest, name: str, headers: Manifest) -> Manifest:
    matches = rule.get("match") or [{}]
    narrowed = [match | {"headers": headers | match.get("headers", {})} for match in matches]
    return rule | {"name": f"{name}-{rule['name']}", "match": narrowed}


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
    guarded = any((rule.name or "").startswith(ANY_LANE) for rule in rules.spec.http)
    last = rules.spec.http[-1].route
    weights = {names.revision_of_subset(r.destination.subset or ""): r.weight for r in last}
    return Table(_basis_points(weights), frozenset(lanes), guarded)


def _basis_points(weights: Mapping[str, int]) -> Weights:
    if len(weights) == 1:
        return dict.fromkeys(weights, FULL)
    percent = sum(weights.values()) == 100
    return {revision: weight * 100 if percent else weight for revision, weight in weights.items()}
