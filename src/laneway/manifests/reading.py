"""What was written, read back: rules, the planner's memory of weights and lanes; templates that run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laneway.manifests import names
from laneway.plan.observed import Table, Weights
from laneway.spec.istio import VirtualService
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
    weights = {names.revision_of_subset(r.destination.subset or ""): r.weight for r in last}
    return Table(_basis_points(weights), frozenset(lanes), frozenset(named - set(weights)))


def template_of(deployment: Mapping[str, Any]) -> dict[str, Any]:
    """The template that a revision's Deployment was made of: `workloads.revision_deployment` undone."""
    template = deployment["spec"]["template"]
    said = template["metadata"]
    labels = {name: value for name, value in said["labels"].items() if name not in names.OF_A_REVISION}
    return {"metadata": said | {"labels": labels}, "spec": template["spec"]}


def _basis_points(weights: Mapping[str, int]) -> Weights:
    if len(weights) == 1:
        return dict.fromkeys(weights, FULL)
    percent = sum(weights.values()) == 100
    return {revision: weight * 100 if percent else weight for revision, weight in weights.items()}
