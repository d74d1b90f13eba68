"""DestinationRules of a host, merged as Istio does, and what they say of one of its ports or subsets.

Must not know which hosts exist, nor Envoy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from laneway.mesh.names import age
from laneway.spec.istio import (
    ClientTLS,
    ConnectionPool,
    ConsistentHash,
    DestinationRule,
    LoadBalancer,
    OutlierDetection,
    RetryBudget,
    TrafficPolicy,
)
from laneway.spec.meta import Key


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for connections to one port of a host, or of a subset. None: Istio's defaults."""

    load_balancer: LoadBalancer | None = None
    connection_pool: ConnectionPool | None = None
    outlier_detection: OutlierDetection | None = None
    tls: ClientTLS | None = None
    retry_budget: RetryBudget | None = None

    @property
    def hashed(self) -> ConsistentHash | None:
        """What makes requests go to the same endpoint."""
        return self.load_balancer.consistent_hash if self.load_balancer else None


DEFAULTS = Settings()


@dataclass(frozen=True, slots=True)
class SubsetPolicy:
    """A subset of a host. policy: what it says by itself."""

    name: str
    labels: Mapping[str, str]
    policy: TrafficPolicy | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for connections to a host. rules: the DestinationRules that had a part in it."""

    host: TrafficPolicy | None = None
    subsets: tuple[SubsetPolicy, ...] = ()
    rules: tuple[Key, ...] = ()

    def subset(self, name: str) -> SubsetPolicy | None:
        """A subset by name."""
        return next((subset for subset in self.subsets if subset.name == name), None)

    def settings(self, port: int, subset: str = "") -> Settings:
        """What holds for a port, or for that port of a subset.

        The host's policy, which settings of the port replace whole; then the subset's, field by field, which
        its own settings of the port replace whole. Source: Istio's traffic policy resolution.
        """
        found = _at_port(self.host, port, DEFAULTS)
        named = self.subset(subset) if subset else None
        return _at_port(named.policy, port, found) if named else found


def merged(rules: Iterable[DestinationRule]) -> Policy:
    """One policy: of each subset name, and of the traffic policies, the oldest rule's counts.

    Source: Istio's merge of DestinationRules for one host in one namespace.
    """
    ordered = sorted(rules, key=age)
    policies = (rule.spec.traffic_policy for rule in ordered if rule.spec.traffic_policy is not None)
    subsets: dict[str, SubsetPolicy] = {}
    for subset in (subset for rule in ordered for subset in rule.spec.subsets):
        policy = SubsetPolicy(subset.name, subset.labels, subset.traffic_policy)
        subsets.setdefault(subset.name, policy)
    return Policy(next(policies, None), tuple(subsets.values()), tuple(rule.key for rule in ordered))


def _at_port(policy: TrafficPolicy | None, port: int, otherwise: Settings) -> Settings:
    """otherwise: what holds where the policy leaves a field open, unless it has settings of the port."""
    if policy is None:
        return otherwise
    budget = policy.retry_budget or otherwise.retry_budget
    for own in policy.port_level_settings:
        if own.port.number == port:
            return Settings(own.load_balancer, own.connection_pool, own.outlier_detection, own.tls, budget)
    return Settings(
        policy.load_balancer or otherwise.load_balancer,
        policy.connection_pool or otherwise.connection_pool,
        policy.outlier_detection or otherwise.outlier_detection,
        policy.tls or otherwise.tls,
        budget,
    )
