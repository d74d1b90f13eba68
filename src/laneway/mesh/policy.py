"""DestinationRules of a host, merged as Istio does. Must not know which hosts exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from laneway.mesh.names import age
from laneway.spec.istio import DestinationRule, TrafficPolicy
from laneway.spec.meta import Key


@dataclass(frozen=True, slots=True)
class SubsetPolicy:
    """A subset of a host. balancer: Istio's name."""

    name: str
    labels: Mapping[str, str]
    balancer: str


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for connections to a host. rules: the DestinationRules that had a part in it."""

    balancer: str = "UNSPECIFIED"
    subsets: tuple[SubsetPolicy, ...] = ()
    rules: tuple[Key, ...] = ()

    def subset(self, name: str) -> SubsetPolicy | None:
        """A subset by name."""
        return next((subset for subset in self.subsets if subset.name == name), None)


def merged(rules: Iterable[DestinationRule]) -> Policy:
    """One policy: of each subset name, and of the traffic policies, the oldest rule's counts.

    Source: Istio's merge of DestinationRules for one host in one namespace.
    """
    ordered = sorted(rules, key=age)
    balancer = "UNSPECIFIED"
    for rule in reversed(ordered):
        balancer = _balancer(rule.spec.traffic_policy, balancer) if rule.spec.traffic_policy else balancer
    subsets: dict[str, SubsetPolicy] = {}
    for subset in (subset for rule in ordered for subset in rule.spec.subsets):
        policy = SubsetPolicy(subset.name, subset.labels, _balancer(subset.traffic_policy, balancer))
        subsets.setdefault(subset.name, policy)
    return Policy(balancer, tuple(subsets.values()), tuple(rule.key for rule in ordered))


def _balancer(policy: TrafficPolicy | None, otherwise: str) -> str:
    return policy.load_balancer.simple if policy and policy.load_balancer else otherwise
