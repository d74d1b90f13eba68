"""What is known beside the objects, for the planner: pods, and what every proxy has confirmed.

Must not decide anything, nor ask anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from laneway.kubernetes.confirm.markers import marker_of
from laneway.kubernetes.confirm.wanted import Pod, Rules, selector
from laneway.kubernetes.index import Index
from laneway.manifests import names
from laneway.plan.observed import Evidence, VersionSeen
from laneway.spec.meta import Key, key_of
from laneway.spec.naming import MESH, full_gateway

Body = Mapping[str, object]


CONFIRMED = ("VirtualService", "DestinationRule", "Service")
"""Kinds that proxies confirm."""


class Confirmed(Protocol):
    """What proxies have: `confirm.confirmations.Confirmations`, or a stand-in of a test."""

    def rules(self, key: Key, marker: str) -> bool:
        """Whether every proxy serves the VirtualService at this marker."""

    def cluster(self, name: str) -> bool:
        """Whether every proxy knows the cluster."""

    def endpoints(self, name: str) -> int | None:
        """Endpoints that every istiod knows for it; None: not known."""

    def laggards(self) -> tuple[str, ...]:
        """Proxies that lag."""


def proxies(index: Index) -> Iterator[Pod]:
    """The ready pods with a proxy: who has to confirm."""
    return (Pod(*key, gateway) for key, gateway in index.pods.meshed.items())


def subset_clusters(rule: Mapping[str, object], ports: Iterable[int]) -> dict[str, list[str]]:
    """The clusters of each subset of a DestinationRule, by the subset's name."""
    spec = rule["spec"]
    assert isinstance(spec, dict)
    ports = list(ports)
    return {
        subset["name"]: [f"outbound|{port}|{subset['name']}|{spec['host']}" for port in ports]
        for subset in spec.get("subsets") or ()
    }


def service_clusters(service: Mapping[str, object]) -> list[str]:
    """The clusters of a Service."""
    key, spec = key_of(service), service["spec"]
    assert isinstance(spec, dict)
    host = names.host(key.namespace, key.name)
    return [f"outbound|{port['port']}||{host}" for port in spec["ports"]]


def rules_wanted(rule: Mapping[str, object], gateways: Mapping[Key, Mapping[str, str]]) -> Rules:
    """What is to be confirmed of a VirtualService. gateways: the selector of each Gateway."""
    key, spec = key_of(rule), rule["spec"]
    assert isinstance(spec, dict)
    named = spec.get("gateways") or [MESH]
    selectors = frozenset(
        selector(dict(gateways[of])) for name in named if name != MESH and (of := _key(name, key)) in gateways
    )
    return Rules(marker_of(spec), tuple(spec["hosts"]), MESH in named, selectors)


def to_come(objects: Mapping[str, Iterable[Body]], written: Iterable[Body]) -> dict[str, list[Body]]:
    """What proxies confirm of these objects, by kind, once these bodies are written."""
    found = {kind: {key_of(each): each for each in objects.get(kind, ())} for kind in CONFIRMED}
    for body in written:
        if (of := found.get(str(body["kind"]))) is not None:
            of[key_of(body)] = body
    return {kind: list(of.values()) for kind, of in found.items()}


def _key(gateway: str, rules: Key) -> Key:
    namespace, _, name = full_gateway(gateway, rules.namespace).partition("/")
    return Key(namespace, name)


class Snapshot:
    """The facts about some apps at one moment. A version counts as drained: its pods end one by one.

    objects: their DestinationRules, VirtualServices and Services as stored, by kind; evidence: of releases;
    surging: pods beside the bases of other apps.
    """

    def __init__(
        self,
        index: Index,
        confirmed: Confirmed,
        objects: Mapping[str, Iterable[Mapping[str, object]]],
        evidence: Callable[[], Evidence] = Evidence,
        surging: int = 0,
    ) -> None:
        self._surging = surging
        self._index = index
        self._said = confirmed
        self._evidence = evidence
        self._rules = {key_of(each): marker_of(each["spec"]) for each in objects.get("VirtualService", ())}  # type: ignore[arg-type]
        self._services = {key_of(each): service_clusters(each) for each in objects.get("Service", ())}
        self._subsets = {
            key: subset_clusters(each, _ports(self._services.get(key, ())))
            for each in objects.get("DestinationRule", ())
            if (key := key_of(each))
        }
        self._led_to = frozenset(_led_to(objects.get("VirtualService", ())))

    @property
    def clusters(self) -> frozenset[str]:
        """All clusters that are asked about; of a Service with subsets these alone."""
        subsets = (name for of in self._subsets.values() for these in of.values() for name in these)
        lanes = (these for key, these in self._services.items() if key not in self._subsets)
        services = (name for these in lanes for name in these)
        return frozenset([*subsets, *services])

    @property
    def counted(self) -> frozenset[str]:
        """The clusters whose endpoints say how many pods can get requests: those to which no rule leads."""
        subsets = {(host, subset): of[subset] for host, of in self._subsets.items() for subset in of}
        lanes = {(key, ""): these for key, these in self._services.items() if key not in self._subsets}
        places = (subsets | lanes).items()
        return frozenset(name for place, these in places if place not in self._led_to for name in these)

    def version(self, namespace: str, labels: Mapping[str, str]) -> VersionSeen:
        """Pods of one version. Those that not every istiod knows of cannot get requests yet.

        What rules lead to already is not taken for dead where an istiod, just started, knows nothing of it.
        """
        version = names.version_of(namespace, labels)
        assert version is not None, labels
        pods = self._index.pods.of(version).values()
        ready = sum(pod.ready and not pod.deleting for pod in pods)
        host, subset = _place(*version)
        if (host, subset) in self._led_to:
            return VersionSeen(pods=len(pods), available=ready)
        return VersionSeen(pods=len(pods), available=min([ready, *self._endpoints(host, subset)]))

    def _endpoints(self, host: Key, subset: str) -> list[int]:
        """Endpoints of each of its clusters, as far as they are known."""
        clusters = self._subsets.get(host, {}).get(subset, []) if subset else self._services.get(host, [])
        counts = (self._said.endpoints(cluster) for cluster in clusters)
        return [count for count in counts if count is not None]

    def confirmed(self, kind: str, key: Key) -> bool:
        """Whether every proxy serves the object as it is stored."""
        if kind == "VirtualService":
            marker = self._rules.get(key, "")
            return bool(marker) and self._said.rules(key, marker)
        if kind == "Service":
            clusters = self._services.get(key, [])
        else:
            clusters = [name for these in self._subsets.get(key, {}).values() for name in these]
        return bool(clusters) and all(self._said.cluster(name) for name in clusters)

    def laggards(self) -> tuple[str, ...]:
        """Proxies that have not confirmed everything."""
        return self._said.laggards()

    def evidence(self) -> Evidence:
        """What was found out about releases under way."""
        return self._evidence()

    def surging(self) -> int:
        """Pods beside the bases of other apps."""
        return self._surging


def _ports(clusters: Iterable[str]) -> list[int]:
    """The ports of a Service's clusters."""
    return [int(name.split("|")[1]) for name in clusters]


def _place(namespace: str, kind: str, of: str, which: str) -> tuple[Key, str]:
    """The Service of a version, and its subset there; a lane's has none."""
    if kind == "lane":
        return Key(namespace, names.lane_service(which, of)), ""
    return Key(namespace, of), names.subset(which)


def _led_to(rules: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Key, str]]:
    """The Services, and subsets of them, to which rules lead."""
    for each in rules:
        for rule in each["spec"].get("http") or ():
            for route in rule.get("route") or ():
                name, _, rest = route["destination"]["host"].partition(".")
                yield Key(rest.partition(".")[0], name), route["destination"].get("subset", "")
