"""DestinationRules by the hosts that they govern: those that they name, or cover with a wildcard.

Owns which of them count for a host. Must not know which hosts exist, nor what changes with a rule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from laneway.mesh.hosts import Host
from laneway.mesh.names import is_wildcard, patterns_of
from laneway.mesh.policy import Policy, merged
from laneway.mesh.shadowed import Shadowed
from laneway.spec.istio import DestinationRule
from laneway.spec.meta import Key
from laneway.spec.naming import covers, full_host


class Policies:
    """The rules, kept up to date one by one."""

    def __init__(self) -> None:
        self._rules: dict[str, dict[Key, DestinationRule]] = defaultdict(dict)
        self._merged: dict[str, Policy] = {}

    def put(self, rule: DestinationRule) -> None:
        """Take a rule. The hosts that it governs are to be forgotten."""
        self._rules[governed(rule)][rule.key] = rule

    def drop(self, rule: DestinationRule) -> None:
        """Let a rule that was taken go. The hosts that it governs are to be forgotten."""
        rules = self._rules[governed(rule)]
        del rules[rule.key]
        if not rules:
            del self._rules[governed(rule)]

    def forget(self, host: str) -> None:
        """A host, by name, or what governs it, is another now."""
        self._merged.pop(host, None)

    def of(self, host: Host) -> Policy:
        """The rules in the host's own namespace that name it, else those of the longest wildcard, as one."""
        if host.name not in self._merged:
            self._merged[host.name] = merged(self._governing(host))
        return self._merged[host.name]

    def _governing(self, host: Host) -> list[DestinationRule]:
        for pattern in patterns_of(host.name):
            rules = self._rules.get(pattern, {}).values()
            if found := [rule for rule in rules if rule.key.namespace == host.namespace]:
                return found
        return []

    def shadowed(self, hosts: Iterable[Host]) -> Iterator[Shadowed]:
        """The rules that have no effect on one of these hosts, and why; a wildcard is for its namespace."""
        for host in hosts:
            counted = self.of(host).rules
            for pattern in patterns_of(host.name):
                for key in self._rules.get(pattern, {}):
                    if key.namespace != host.namespace and not is_wildcard(pattern):
                        why = (
                            f"only DestinationRules in the host's own namespace, {host.namespace}, are taken"
                        )
                        yield Shadowed("DestinationRule", key, host.name, why)
                    elif key.namespace == host.namespace and key not in counted:
                        why = f"{counted[0]} names the host more exactly"
                        yield Shadowed("DestinationRule", key, host.name, why)


def governed(rule: DestinationRule) -> str:
    """The host that a rule is for, in full, or its wildcard."""
    return full_host(rule.spec.host, rule.metadata.namespace)


def governed_among(rule: DestinationRule, hosts: Iterable[str]) -> list[str]:
    """The hosts that a rule is for. hosts: those that there are; one that is named need not be there yet."""
    pattern = governed(rule)
    return [host for host in hosts if covers(pattern, host)] if is_wildcard(pattern) else [pattern]


def makes_alike(rule: DestinationRule) -> bool:
    """Whether a rule may say which requests are alike, and so changes routes."""
    parts = [part for _, policy in rule.spec.policies() for _, part in policy.parts()]
    return any(part.load_balancer and part.load_balancer.consistent_hash for part in parts)
