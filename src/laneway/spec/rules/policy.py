"""Rules of traffic policies, of Apps and of DestinationRules."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.spec.istio import TrafficPolicy
from laneway.spec.istio.policy_faults import policy_faults
from laneway.spec.meta import Object
from laneway.spec.problems import Code
from laneway.spec.rules.scope import Fault, Scope
from laneway.spec.yaml import Path


def _policies(scope: Scope) -> Iterator[tuple[Object, Path, TrafficPolicy]]:
    for app in scope.spec.apps.values():
        if app.spec.routing.traffic_policy is not None:
            yield app, ("spec", "routing", "trafficPolicy"), app.spec.routing.traffic_policy
    for rule in scope.spec.destination_rules.values():
        for place, policy in rule.spec.policies():
            yield rule, ("spec", *place), policy


def policies_hold(scope: Scope) -> Iterator[Fault]:
    """A policy says nothing that Istio refuses, or that has no place here."""
    for obj, path, policy in _policies(scope):
        for fault in policy_faults(policy):
            yield Fault(Code.TRAFFIC_POLICY, obj, (*path, *fault.path), fault.text, fault.remedy)
