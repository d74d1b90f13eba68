"""Plain objects as Apps: which Services can become one, and what each then says. Pure.

A Service becomes an App where one Deployment is behind it, and every rule of its host leads to it. Rules of
gateway hosts become its `routing` where each leads to one such Service. All else stays as it is. Must not
decide whether the result means the same: `adopt` compares the route tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from laneway.mesh.names import gateways_of, hosts_of
from laneway.mesh.selection import selects
from laneway.spec.app import App
from laneway.spec.autoscaling import HorizontalPodAutoscaler
from laneway.spec.istio import DestinationRule, HTTPRoute, VirtualService
from laneway.spec.kubernetes import Deployment, Service
from laneway.spec.meta import Key, Object
from laneway.spec.naming import DOMAIN, MESH, full_host

ANNOTATION = "laneway.dev/adopted-from"
"""On an adopted App: what it was made of."""


DEFAULT_METRIC = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
}
"""What an autoscaler without metrics goes by. Source: Kubernetes, pkg/apis/autoscaling/v2/defaults.go."""


class NotAdoptedError(Exception):
    """Why a Service stays as it is, in words."""


@dataclass(frozen=True, slots=True)
class World:
    """The given objects, by what they are asked for."""

    services: Mapping[str, Service]
    deployments: Sequence[Deployment]
    policies: Mapping[str, Sequence[DestinationRule]]
    rules: Sequence[VirtualService]
    scalers: Mapping[Key, HorizontalPodAutoscaler]

    @classmethod
    def of(cls, objects: Iterable[Object]) -> World:
        """The parts of these objects that adoption looks at."""
        services: dict[str, Service] = {}
        deployments: list[Deployment] = []
        policies: dict[str, list[DestinationRule]] = {}
        rules: list[VirtualService] = []
        scalers: dict[Key, HorizontalPodAutoscaler] = {}
        for obj in objects:
            match obj:
                case Service():
                    services[f"{obj.key.name}.{obj.key.namespace}.{DOMAIN}"] = obj
                case Deployment():
                    deployments.append(obj)
                case DestinationRule():
                    policies.setdefault(full_host(obj.spec.host, obj.key.namespace), []).append(obj)
                case VirtualService():
                    rules.append(obj)
                case HorizontalPodAutoscaler():
                    scalers[Key(obj.key.namespace, obj.spec.scale_target_ref.name)] = obj
        return cls(services, deployments, policies, rules, scalers)


@dataclass(slots=True)
class Candidate:
    """A Service that may become an App. replaced: objects whose meaning the App has taken over."""

    service: Service
    deployment: Deployment
    replaced: list[Object]
    http: list[dict[str, Any]] = field(default_factory=list)
    public: list[dict[str, Any]] = field(default_factory=list)
    gateways: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    order: int = 0
    policy: dict[str, Any] | None = None
    scale: dict[str, Any] | None = None

    def app(self) -> App:
        """The App."""
        routing: dict[str, Any] = {}
        if self.gateways:
            routing |= {"gateways": self.gateways, "hosts": self.hosts}
        if self.order:
            routing["order"] = self.order
        if http := [*self.http, *self.public]:
            routing["http"] = http
        if self.policy:
            routing["trafficPolicy"] = self.policy
        spec: dict[str, Any] = {
            "workload": {"deployment": self.deployment.key.name},
            "service": {"ports": [port.written() for port in self.service.spec.ports]},
        }
        if routing:
            spec["routing"] = routing
        if self.scale:
            spec["scale"] = self.scale
        made_of = ", ".join(f"{obj.kind} {obj.key.name}" for obj in self.replaced)
        metadata = {
            "name": self.service.key.name,
            "namespace": self.service.key.namespace,
            "annotations": {ANNOTATION: made_of},
        }
        return App.model_validate({"metadata": metadata, "spec": spec})


def candidates(world: World, left: Mapping[str, str]) -> tuple[dict[str, Candidate], dict[str, str]]:
    """The Services that may become Apps, by host, and for every other one why it does not.

    left: hosts that shall stay as they are, and why.
    """
    found: dict[str, Candidate] = {}
    stay = dict(left)
    for host, service in world.services.items():
        try:
            if host not in stay:
                found[host] = _candidate(world, host, service)
        except NotAdoptedError as why:
            stay[host] = str(why)
    for rules in world.rules:
        _take_public(rules, found)
    return found, stay


def _candidate(world: World, host: str, service: Service) -> Candidate:
    behind = [
        deployment
        for deployment in world.deployments
        if deployment.key.namespace == service.key.namespace
        and service.spec.selector
        and selects(service.spec.selector, deployment.spec.template.metadata.labels)
    ]
    if len(behind) != 1:
        names = ", ".join(deployment.key.name for deployment in behind) or "no Deployment"
        raise NotAdoptedError(f"{names} {'are' if len(behind) > 1 else 'is'} behind it, and an App has one")
    (deployment,) = behind
    made = Candidate(service, deployment, [service])
    _take_policy(world, host, made)
    for rules in world.rules:
        if MESH in gateways_of(rules) and host in hosts_of(rules):
            _take_rules(rules, host, made)
    if scaler := world.scalers.get(deployment.key):
        made.scale = _scale(scaler)
        made.replaced.append(scaler)
    return made


def _scale(scaler: HorizontalPodAutoscaler) -> dict[str, Any]:
    said = scaler.spec.written()
    scale: dict[str, Any] = {"min": scaler.spec.min_replicas, "max": scaler.spec.max_replicas}
    scale["metrics"] = said.get("metrics") or [DEFAULT_METRIC]
    return scale | ({"behavior": said["behavior"]} if "behavior" in said else {})


def _take_policy(world: World, host: str, made: Candidate) -> None:
    labels = made.deployment.spec.template.metadata.labels
    for rule in world.policies.get(host, ()):
        if rule.spec.export_to:
            raise NotAdoptedError(f"DestinationRule {rule.key} has exportTo")
        for subset in rule.spec.subsets:
            if not selects(subset.labels, labels):
                raise NotAdoptedError(f"DestinationRule {rule.key} has subset {subset.name} of other pods")
            if subset.traffic_policy:
                raise NotAdoptedError(
                    f"DestinationRule {rule.key}: subset {subset.name} has a policy of its own"
                )
        if rule.spec.traffic_policy:
            made.policy = rule.spec.traffic_policy.written()
        made.replaced.append(rule)


def _take_rules(rules: VirtualService, host: str, made: Candidate) -> None:
    """The rules of the Service's own host at the sidecars."""
    if gateways_of(rules) != {MESH}:
        raise NotAdoptedError(f"VirtualService {rules.key} is for sidecars and gateways at once")
    if set(hosts_of(rules)) != {host}:
        raise NotAdoptedError(f"VirtualService {rules.key} has other hosts too")
    for rule in rules.spec.http:
        for other in _destinations(rule, rules) - {host}:
            raise NotAdoptedError(f"VirtualService {rules.key} leads to {other}")
        made.http.append(_own(rule))
    made.replaced.append(rules)


def _destinations(rule: HTTPRoute, rules: VirtualService) -> set[str]:
    return {full_host(share.destination.host, rules.key.namespace) for share in rule.route}


def _own(rule: HTTPRoute) -> dict[str, Any]:
    """A rule as an App says it: its versions and their weights are Laneway's to fill in."""
    return {name: value for name, value in rule.written().items() if name != "route"}


def _take_public(rules: VirtualService, found: Mapping[str, Candidate]) -> None:
    """The rules of hosts at gateways, where each leads to one Service that becomes an App; else none."""
    if MESH in gateways_of(rules) or not rules.spec.http:
        return
    shares = list(_shared(rules, found))
    if len(shares) != len(rules.spec.http):
        return
    runs: list[tuple[Candidate, list[HTTPRoute]]] = []
    for made, rule in shares:
        if not runs or runs[-1][0] is not made:
            runs.append((made, []))
        runs[-1][1].append(rule)
    if len({id(made) for made, _ in runs}) != len(runs) or any(made.gateways for made, _ in runs):
        return  # an App's rules stand together, and it has one list of gateways and hosts
    for order, (made, own) in enumerate(runs):
        made.order = order
        made.gateways = sorted(gateways_of(rules))
        made.hosts = list(rules.spec.hosts)
        made.public = [_at(made.gateways, _own(rule)) for rule in own]
        made.http = [_at([MESH], rule) for rule in made.http or [{"name": "default"}]]
        made.replaced.append(rules)


def _shared(rules: VirtualService, found: Mapping[str, Candidate]) -> Iterator[tuple[Candidate, HTTPRoute]]:
    for rule in rules.spec.http:
        hosts = _destinations(rule, rules)
        made = found.get(next(iter(hosts))) if len(hosts) == 1 else None
        if made is not None:
            yield made, rule


def _at(gateways: Sequence[str], rule: dict[str, Any]) -> dict[str, Any]:
    """A rule that holds at these gateways alone."""
    matches = rule.get("match") or [{}]
    return rule | {"match": [match | {"gateways": list(gateways)} for match in matches]}
