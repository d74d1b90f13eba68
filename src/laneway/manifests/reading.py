"""What was written, read back: rules, the planner's memory of weights and lanes; templates that run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from laneway.manifests import names
from laneway.plan.observed import Table, Weights
from laneway.spec.istio import HTTPRouteDestination, VirtualService
from laneway.spec.meta import Key
from laneway.spec.values import FULL


def table_of(app: Key, rules: VirtualService) -> Table:
    """The route table that a mesh VirtualService written here holds: the inverse of `routes.mesh_rules`."""
    own = names.host(*app)
    lanes: set[str] = set()
    named: set[str] = set()
    for route in (route for rule in rules.spec.http for route in rule.route):
        if route.destination.host == own:
            named.add(names.revision_of_subset(route.destination.subset or ""))
        elif lane := names.lane_of_host(route.destination.host, app):
            lanes.add(lane)
    last = next((rule.route for rule in reversed(rules.spec.http) if rule.route), [])
    weights = _weights(last)
    return Table(weights, frozenset(lanes), frozenset(named - set(weights)))


def template_of(deployment: Mapping[str, Any]) -> dict[str, Any]:
    """The template that a revision's Deployment was made of: `workloads.revision_deployment` undone."""
    template = deployment["spec"]["template"]
    said = template["metadata"]
    labels = {name: value for name, value in said["labels"].items() if name not in names.OF_A_REVISION}
    return {"metadata": said | {"labels": labels}, "spec": template["spec"]}


def shares_of(rules: VirtualService) -> dict[str, Weights]:
    """Basis points by revision that a VirtualService draws by, for each of the hosts of Apps in it."""
    found = {rule.route[0].destination.host: rule.route for rule in rules.spec.http if rule.route}
    return {host: _weights(route) for host, route in found.items() if route[0].destination.subset}


def _weights(routes: Sequence[HTTPRouteDestination]) -> Weights:
    return _basis_points(
        {names.revision_of_subset(each.destination.subset or ""): each.weight for each in routes}
    )


def _basis_points(weights: Mapping[str, int]) -> Weights:
    if len(weights) == 1:
        return dict.fromkeys(weights, FULL)
    percent = sum(weights.values()) == 100
    return {revision: weight * 100 if percent else weight for revision, weight in weights.items()}
