"""What a set of objects does with requests, in a form that does not depend on how objects are named. Pure.

For each host at the sidecars and at each Gateway: the rules in order, and for each destination the
Deployments whose pods it reaches, as the embedded mesh reads them. Two sets of objects with equal tables
treat every request alike. Must not know how one set became the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from laneway.mesh.backends import backends_of
from laneway.mesh.conditions import Condition
from laneway.mesh.gateways import GatewayTable, servers_of
from laneway.mesh.hosts import Host, host_of_service, hosts_of_entry
from laneway.mesh.policy import DEFAULTS, Settings
from laneway.mesh.registry import MeshObject, Registry
from laneway.mesh.rules import Caller, Row, Site, Target, rows_of, targets_of
from laneway.mesh.world import Pod
from laneway.spec.cohorts import COHORT_HEADER
from laneway.spec.istio import Gateway, ServiceEntry, VirtualService
from laneway.spec.kubernetes import Deployment, Service
from laneway.spec.meta import Object
from laneway.spec.naming import MESH, full_host

Place = tuple[str, str, int]
"""Where rules are read: `mesh`, a calling Deployment or a Gateway (namespace/name); a host, and a port."""

_DECIDED = frozenset({"name", "match", "route"})
"""Fields of a rule that its row has in another form."""


_STRIPPED = {"request": {"remove": [COHORT_HEADER]}}
"""What Laneway adds at gateways: nobody outside may send the header that it alone sets. No difference."""


@dataclass(frozen=True, slots=True)
class Way:
    """A share of a rule's traffic. pods: what runs there, as `Pods` names it; policy: of its connections."""

    pods: tuple[str, ...]
    percent: float
    policy: Settings
    headers: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One match block of a rule. action: everything else that it does, as JSON text."""

    conditions: tuple[Condition, ...]
    ways: tuple[Way, ...]
    action: str


Table = tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Pods:
    """Deployments by what their pods run: two Deployments with equal pods are not told apart.

    names: of the Deployments that people wrote, by the text of their pods; callers: whose sidecars read
    rules, by their names, for rules that are for certain callers alone.
    """

    names: Mapping[str, str]
    callers: Mapping[str, Caller]

    @classmethod
    def of(cls, objects: Iterable[Object]) -> Pods:
        """The names that these objects give."""
        given = list(objects)
        found: dict[str, list[str]] = {}
        callers: dict[str, Caller] = {}
        for obj in given:
            if isinstance(obj, Deployment):
                found.setdefault(_text(obj), []).append(str(obj.key))
                labels = obj.spec.template.metadata.labels
                callers[str(obj.key)] = Caller(obj.key.namespace, frozenset(labels.items()))
        asked = any(isinstance(obj, VirtualService) and _asks_for_callers(obj) for obj in given)
        names = {text: " or ".join(sorted(names)) for text, names in found.items()}
        return cls(names, callers if asked else {})

    def name(self, deployment: Deployment) -> str:
        """What runs in its pods; its own name where nobody wrote such pods."""
        return self.names.get(_text(deployment), str(deployment.key))


def _asks_for_callers(rules: VirtualService) -> bool:
    matches = [match for rule in rules.spec.http for match in rule.match]
    return any(match.source_labels or match.source_namespace for match in matches)


def _text(deployment: Deployment) -> str:
    return json.dumps([deployment.key.namespace, deployment.spec.template.spec.written()], sort_keys=True)


def tables(objects: Iterable[Object], pods: Pods) -> dict[Place, Table]:
    """The route tables of these objects. Objects that the mesh does not read are passed over."""
    given = list(objects)
    registry, running = Registry(), {}
    for obj in given:
        if isinstance(obj, MeshObject):
            registry.upsert(obj)
        if isinstance(obj, Deployment) and obj.spec.replicas != 0:
            running[str(obj.key)] = pods.name(obj)
    registry.set_pods(_pod(obj) for obj in given if isinstance(obj, Deployment) and obj.spec.replicas != 0)
    reader = _Reader(registry, running, pods.callers)
    return dict([*reader.at_sidecars(given), *reader.at_gateways(given)])


def _pod(deployment: Deployment) -> Pod:
    """One pod for each Deployment stands for all of them."""
    template = deployment.spec.template
    ports = [port for container in template.spec.containers for port in container.ports]
    return Pod(
        namespace=deployment.key.namespace,
        name=deployment.key.name,
        labels=template.metadata.labels,
        address="127.0.0.1",
        ports={port.container_port: port.container_port for port in ports},
        port_names={port.name: port.container_port for port in ports if port.name},
        ready=True,
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    registry: Registry
    running: Mapping[str, str]
    callers: Mapping[str, Caller]

    def at_sidecars(self, objects: Iterable[Object]) -> Iterator[tuple[Place, Table]]:
        names = {name for obj in objects for name in _hosts(obj)}
        for name in sorted(names):
            host, rules = self.registry.host(name), self.registry.rules_of(name)
            for port in host.ports if host else ():
                for at, caller in {MESH: Caller(), **self.callers}.items():
                    site = Site(frozenset({MESH}), port.number, caller)
                    rows = rows_of([rules], site) if rules else ()
                    default = [self._default(host, port.number)] if host and not rows else []
                    yield (at, name, port.number), (*(self._rule(row, site) for row in rows), *default)

    def at_gateways(self, objects: Iterable[Object]) -> Iterator[tuple[Place, Table]]:
        rules = self.registry.virtual_services()
        for gateway in (obj for obj in objects if isinstance(obj, Gateway)):
            table = GatewayTable(servers_of([gateway], gateway.spec.selector), rules)
            for port, host in sorted(table.places()):
                site = table.site(port)
                rows = rows_of(table.sources((port, host)), site)
                yield (str(gateway.key), host, port), tuple(self._rule(row, site) for row in rows)

    def _rule(self, row: Row, site: Site) -> Rule:
        said = row.route.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        action = {name: value for name, value in said.items() if name not in _DECIDED}
        if action.get("headers") == _STRIPPED:
            del action["headers"]
        namespace = row.source.key.namespace
        for mirror in (action.get("mirror"), *(each["destination"] for each in action.get("mirrors", ()))):
            if mirror:
                mirror["host"] = full_host(mirror["host"], namespace)
        targets = targets_of(row, site, self.registry)
        headers = [share.get("headers") for share in said.get("route", [])]
        whole = sum(target.weight for target in targets)
        ways = [
            self._way(target, 100 * target.weight / whole if whole else 100, _json(header))
            for target, header in zip(targets, [*headers, *([None] * len(targets))], strict=False)
        ]
        return Rule(
            row.conditions, tuple(sorted(ways, key=lambda way: (way.pods, way.percent))), _json(action)
        )

    def _default(self, host: Host, port: int) -> Rule:
        return Rule((), (self._way(Target(host.name, port, "", 1), 100, _json(None)),), _json({}))

    def _way(self, target: Target, percent: float, headers: str) -> Way:
        host = self.registry.host(target.host)
        port = next((port for port in host.ports if port.number == target.port), None) if host else None
        if host is None or port is None:
            return Way((f"nothing at {target.host}:{target.port}",), percent, DEFAULTS, headers)
        policy = self.registry.policy(host)
        subset = policy.subset(target.subset) if target.subset else None
        if target.subset and subset is None:
            return Way((f"no subset {target.subset}",), percent, DEFAULTS, headers)
        pods = self.registry.pods_of(host.name)
        found = backends_of(host, port, subset.labels if subset else {}, pods)
        names = {f"{self._named(host, each.name)}:{each.port}" for each in found}
        return Way(tuple(sorted(names)), percent, policy.settings(port.number, target.subset), headers)

    def _named(self, host: Host, backend: str) -> str:
        return self.running.get(f"{host.namespace}/{backend}", backend)


def _hosts(obj: Object) -> Iterable[str]:
    if isinstance(obj, Service):
        return [host_of_service(obj).name]
    return [host.name for host in hosts_of_entry(obj)] if isinstance(obj, ServiceEntry) else []


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True)
