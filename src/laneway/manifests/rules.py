"""The rules of one App where it is reached: a lane's, then cohorts', then those that draw by weight.

Each user rule is cloned for each of them, with the lane's or cohort's header ANDed into each of its match
blocks: a bare lane rule would steal the paths of the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from laneway.manifests import names
from laneway.manifests.cohorts import Headers, drawn, ways
from laneway.manifests.narrowing import narrowed
from laneway.manifests.workloads import Manifest
from laneway.plan.observed import Weights
from laneway.plan.result import AppPlan, LaneRule
from laneway.spec.app import App, Rule
from laneway.spec.cohorts import COHORT_HEADER
from laneway.spec.istio import Destination, HTTPMatchRequest
from laneway.spec.naming import MESH, full_gateway, full_host
from laneway.spec.values import FULL

ANSWERS = frozenset({"redirect", "directResponse"})
"""What the proxy does by itself, without a destination."""
MIRRORS = frozenset({"mirror", "mirrors", "mirrorPercentage", "mirrorPercent"})


def app_rules(
    app: App, plan: AppPlan, lane_header: str, at: tuple[str, ...], among: tuple[str, ...]
) -> Iterator[Manifest]:
    """The rules in order. at: the app's gateways, or `mesh`; among: those of the VirtualService."""
    at_gateway = MESH not in at
    for rule in _rules(app, plan, lane_header, at, among):
        yield _stripped(rule) if at_gateway else rule


def _rules(
    app: App, plan: AppPlan, lane_header: str, at: tuple[str, ...], among: tuple[str, ...]
) -> Iterator[Manifest]:
    at_gateway = MESH not in at
    port = _port(app) if at_gateway else None
    rules = list(_rules_at(app, at, among))
    for lane in plan.lanes:
        for rule in rules:
            yield from _lane_rule(app, rule, lane, lane_header, port)
    for way in ways(app, plan, lane_header, at_gateway):
        route = destinations(app, {way.revision: FULL}, port, {way.revision: way.headers})
        for rule in rules:
            for clone in _clone(rule, way.name, way.marks):
                yield _led(clone, route)
    route = destinations(app, plan.weights, port, drawn(app, plan, at_gateway))
    for rule in rules:
        yield _led(rule, route)


def _led(rule: Manifest, route: list[Manifest]) -> Manifest:
    """The rule with its destinations; one that redirects or answers by itself has none."""
    return rule if ANSWERS & rule.keys() else rule | {"route": route}


def _stripped(rule: Manifest) -> Manifest:
    """A gateway's rule, without the cohort that the request says it is of: the rule says that, or nobody."""
    routes = rule.get("route", [])
    if not routes or all(COHORT_HEADER in _request(route).get("set", {}) for route in routes):
        return rule
    changes = _request(rule)
    removed = changes | {"remove": [*changes.get("remove", []), COHORT_HEADER]}
    return rule | {"headers": rule.get("headers", {}) | {"request": removed}}


def _request(part: Manifest) -> Manifest:
    changes: Manifest = part.get("headers", {}).get("request") or {}
    return changes


def _port(app: App) -> int | None:
    """A gateway's destination needs a port where the Service has several; a sidecar's has the one called."""
    ports = app.spec.service.ports
    return ports[0].port if len(ports) > 1 else None


def _rules_at(app: App, at: tuple[str, ...], among: tuple[str, ...]) -> Iterator[Manifest]:
    """The user's rules that hold at one of these gateways; without any, one that matches everything there."""
    found = False
    for rule in app.spec.routing.http:
        here = [match for match in rule.match if _gateways_of(app, match, at)]
        found = found or bool(here) or not rule.match
        matches = [m for match in here if (m := _match_at(app, match, at, among)) is not None]
        if rule.match and not matches:
            continue
        written = {"name": rule.name or "default"} | rule.written() | _mirrors(app, rule)
        written["match"] = matches or _everything(at, among)
        yield _plain(written)
    if not found:
        yield _plain({"name": "default", "match": _everything(at, among)})


def _mirrors(app: App, rule: Rule) -> Manifest:
    """The rule's mirrors by full names: at a gateway host its rules stand in another App's namespace."""

    def full(destination: Destination) -> Manifest:
        return destination.written() | {"host": full_host(destination.host, app.metadata.namespace)}

    found: Manifest = {"mirror": full(rule.mirror)} if rule.mirror is not None else {}
    if rule.mirrors:
        found["mirrors"] = [each.written() | {"destination": full(each.destination)} for each in rule.mirrors]
    return found


def _match_at(
    app: App, match: HTTPMatchRequest, at: tuple[str, ...], among: tuple[str, ...]
) -> Manifest | None:
    """A match of a user's rule for those gateways of the VirtualService at which it holds.

    None for one that asks for the caller, where gateways would have to be named: Istio asks no more then.
    """
    holds = _gateways_of(app, match, at)
    written = match.written()
    written.pop("gateways", None)
    if len(holds) == len(among):
        return written
    return None if match.source_labels or match.source_namespace else written | {"gateways": holds}


def _gateways_of(app: App, match: HTTPMatchRequest, at: tuple[str, ...]) -> list[str]:
    """Those of the gateways at which a match of a user's holds."""
    named = {full_gateway(name, app.metadata.namespace) for name in match.gateways}
    return [gateway for gateway in at if not named or gateway in named]


def _everything(at: tuple[str, ...], among: tuple[str, ...]) -> list[Manifest]:
    return [{}] if at == among else [{"gateways": list(at)}]


def _plain(rule: Manifest) -> Manifest:
    """A rule without its matches where one of them is empty, and so matches everything."""
    return rule if all(rule["match"]) else {field: rule[field] for field in rule if field != "match"}


def _lane_rule(app: App, rule: Manifest, lane: LaneRule, header: str, port: int | None) -> Iterator[Manifest]:
    for clone in _clone(rule, f"lane-{lane.lane}", [(header, {"exact": lane.value})]):
        if ANSWERS & clone.keys():
            yield clone
        elif lane.to is None:
            text = f"lane {lane.lane} has no version of {app.metadata.name} that can serve\n"
            answer = {"status": 503, "body": {"string": text}}
            yield {"name": clone["name"], "match": clone["match"], "directResponse": answer}
        else:
            service = names.lane_service(app.metadata.name, lane.to)
            host = names.host(app.metadata.namespace, service)
            yield clone | {"route": [_destination(host, None, port)]}


def _clone(rule: Manifest, name: str, marks: Iterable[tuple[str, Manifest]]) -> Iterator[Manifest]:
    """The rule for requests with one of these marks; none where its own matches exclude them all.

    Without its mirrors: they are for the traffic of everybody, not of those who try something out.
    """
    own = rule.get("match") or [{}]
    found = (narrowed(match, header, condition) for header, condition in marks for match in own)
    matches = [match for match in found if match is not None]
    if matches:
        kept = {field: value for field, value in rule.items() if field not in MIRRORS}
        yield kept | {"name": f"{name}-{rule['name']}", "match": matches}


def destinations(app: App, weights: Weights, port: int | None, headers: Headers) -> list[Manifest]:
    """An app's versions with their weights. headers: what each changes."""
    host = names.host(*app.key)

    def to(revision: str) -> Manifest:
        found = _destination(host, names.subset(revision), port)
        return found | ({"headers": headers[revision]} if headers.get(revision) else {})

    if len(weights) == 1:
        return [to(next(iter(weights)))]
    whole = sum(weights.values()) == FULL and not any(weight % 100 for weight in weights.values())
    return [
        to(revision) | {"weight": weight // 100 if whole else weight}
        for revision, weight in sorted(weights.items())
    ]


def _destination(host: str, subset: str | None, port: int | None) -> Manifest:
    destination: Manifest = {"host": host}
    if subset:
        destination["subset"] = subset
    if port:
        destination["port"] = {"number": port}
    return {"destination": destination}
