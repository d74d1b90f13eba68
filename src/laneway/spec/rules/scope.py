"""What a rule may look at, and what it says. Must not know any one rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from laneway.spec.app import App, Rule
from laneway.spec.istio import HTTPMatchRequest, HTTPRoute, StringMatch, VirtualService
from laneway.spec.load import spec_of
from laneway.spec.meta import Object
from laneway.spec.naming import covers, full_host
from laneway.spec.problems import Code
from laneway.spec.world import Spec
from laneway.spec.yaml import Path

PLATFORM_HOSTS = frozenset(
    f"istio-{side}gateway.istio-system.svc.cluster.local" for side in ("ingress", "egress")
)
"""Istio's own gateways: there without an object of the user's."""


class Fault(NamedTuple):
    """An object breaks a rule, at this path of it. remedy: None for the catalogue's."""

    code: Code
    obj: Object
    path: Path
    text: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """The objects that people wrote, and the hosts that these make.

    ports: of every host, by its full name; None where any may be used. subsets: of those that have some.
    """

    objects: tuple[Object, ...]
    spec: Spec
    ports: Mapping[str, frozenset[int] | None]
    subsets: Mapping[str, frozenset[str]]

    def host(self, name: str) -> str | None:
        """The host that a full name belongs to: itself, or a wildcard of a ServiceEntry."""
        if name in self.ports:
            return name
        tails = (name[index:] for index, letter in enumerate(name) if letter == ".")
        return next((f"*{tail}" for tail in tails if f"*{tail}" in self.ports), None)

    def subsets_of(self, host: str) -> frozenset[str]:
        """The subsets of a host: of the DestinationRules that name it, else of the longest wildcard on it."""
        covering = [name for name in self.subsets if covers(name, host)]
        return self.subsets[max(covering, key=len)] if covering else frozenset()


def scope_of(objects: Iterable[Object]) -> Scope:
    """The scope of these objects."""
    objects = tuple(objects)
    spec = spec_of(objects)
    return Scope(objects, spec, _ports(spec), _subsets(spec))


def _ports(spec: Spec) -> dict[str, frozenset[int] | None]:
    ports: dict[str, frozenset[int] | None] = dict.fromkeys(PLATFORM_HOSTS)
    for entry in spec.service_entries.values():
        for host in entry.spec.hosts:
            ports[host.lower()] = frozenset(port.number for port in entry.spec.ports)
    for key, service in spec.services.items():
        ports[full_host(key.name, key.namespace)] = frozenset(port.port for port in service.spec.ports)
    for key, app in spec.apps.items():
        ports[full_host(key.name, key.namespace)] = frozenset(port.port for port in app.spec.service.ports)
    return ports


def _subsets(spec: Spec) -> dict[str, frozenset[str]]:
    subsets: dict[str, frozenset[str]] = {}
    for key, rule in spec.destination_rules.items():
        host = full_host(rule.spec.host, key.namespace)
        names = frozenset(subset.name for subset in rule.spec.subsets)
        subsets[host] = subsets.get(host, frozenset()) | names
    return subsets


class Routed(NamedTuple):
    """A rule for requests, of an App or a VirtualService, and where it stands."""

    obj: App | VirtualService
    path: Path
    rule: Rule | HTTPRoute


def routed(spec: Spec) -> Iterator[Routed]:
    """Every rule for requests."""
    for app in spec.apps.values():
        for index, rule in enumerate(app.spec.routing.http):
            yield Routed(app, ("spec", "routing", "http", index), rule)
    for service in spec.virtual_services.values():
        for index, route in enumerate(service.spec.http):
            yield Routed(service, ("spec", "http", index), route)


class Matched(NamedTuple):
    """One match of a rule for requests."""

    obj: App | VirtualService
    path: Path
    match: HTTPMatchRequest


def matched(spec: Spec) -> Iterator[Matched]:
    """Every match of every rule for requests."""
    for obj, path, rule in routed(spec):
        for index, match in enumerate(rule.match):
            yield Matched(obj, (*path, "match", index), match)


class Tested(NamedTuple):
    """One condition on a text. optional: whether `{}` has a meaning (a header that is present)."""

    obj: App | VirtualService
    path: Path
    condition: StringMatch
    optional: bool


def tested(spec: Spec) -> Iterator[Tested]:
    """Every condition on a text of every rule."""
    for obj, path, match in matched(spec):
        parts = {
            "uri": match.uri,
            "scheme": match.scheme,
            "method": match.method,
            "authority": match.authority,
        }
        for name, condition in parts.items():
            if condition is not None:
                yield Tested(obj, (*path, name), condition, optional=False)
        named = {
            "headers": match.headers,
            "withoutHeaders": match.without_headers,
            "queryParams": match.query_params,
        }
        for field, conditions in named.items():
            for name, condition in conditions.items():
                yield Tested(obj, (*path, field, name), condition, optional=True)
    for obj, path, rule in routed(spec):
        for index, origin in enumerate(rule.cors_policy.allow_origins if rule.cors_policy else ()):
            yield Tested(obj, (*path, "corsPolicy", "allowOrigins", index), origin, optional=False)


def names_of(objects: Iterable[Object]) -> str:
    """Objects as a text names them."""
    return " and ".join(f"{obj.kind} {obj.key}" for obj in objects)


def listed(names: Iterable[object]) -> str:
    """Names as a remedy lists them."""
    return ", ".join(sorted(map(str, names))) or "none"
