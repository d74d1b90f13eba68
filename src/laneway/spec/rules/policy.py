"""Rules of traffic policies, of Apps and of DestinationRules."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.spec.istio import TrafficPolicy
from laneway.spec.istio.policy_faults import policy_faults
from laneway.spec.meta import Object
from laneway.spec.problems import Code
from laneway.spec.rules.scope import Fault, Scope
from laneway.spec.yaml import Path


def _policies(scope: Scope) -> Iterator[tuple[Object, Path, TrafficPolicy | None]]:
    for app in scope.spec.apps.values():
        yield app, ("spec", "routing", "trafficPolicy"), app.spec.routing.traffic_policy
    for rule in scope.spec.destination_rules.values():
        yield rule, ("spec", "trafficPolicy"), rule.spec.traffic_policy
        for index, subset in enumerate(rule.spec.subsets):
            yield rule, ("spec", "subsets", index, "trafficPolicy"), subset.traffic_policy


def policies_hold(scope: Scope) -> Iterator[Fault]:
    """A policy says nothing that Istio refuses, or that has no place here."""
    for obj, path, policy in _policies(scope):
        for fault in policy_faults(policy) if policy else ():
            yield Fault(Code.TRAFFIC_POLICY, obj, (*path, *fault.path), fault.text, fault.remedy)
