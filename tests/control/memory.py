"""A world in memory: objects as a store holds them, all pods available, all proxies confirm."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from laneway.control.changes import Changes
from laneway.control.observe import Body
from laneway.plan.observed import Evidence, Observed, VersionSeen
from laneway.plan.result import Plan, Report
from laneway.spec.meta import Key, key_of
from laneway.spec.world import Spec

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class World:
    """Implements `control.loop.Engine` without a clock, processes or proxies of its own."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, Key], dict[str, Any]] = {}
        self.time = NOON
        self.unconfirmed: set[tuple[str, Key]] = set()
        self.reasons: list[str] = []
        self.report = Report()
        self.spec = Spec()
        self.versions = 0

    def put(self, body: dict[str, Any]) -> None:
        """Store an object with a new resource version."""
        self.versions += 1
        metadata = {"namespace": "default"} | body["metadata"] | {"resourceVersion": str(self.versions)}
        self.stored[body["kind"], key_of(body)] = body | {"metadata": metadata}

    def names(self, kind: str) -> list[str]:
        """Names of the stored objects of a kind."""
        return sorted(key.name for each, key in self.stored if each == kind)

    def now(self) -> datetime:
        return self.time

    def objects(self) -> dict[str, list[Body]]:
        found: dict[str, list[Body]] = {}
        for (kind, _), body in sorted(self.stored.items()):
            found.setdefault(kind, []).append(body)
        return found

    def facts(self) -> World:
        return self

    def version(self, namespace: str, labels: Mapping[str, str]) -> VersionSeen:
        """As many available pods as the Deployment with these labels asks for."""
        for body in self.objects().get("Deployment", []):
            if labels.items() <= (body["metadata"].get("labels") or {}).items():
                return VersionSeen(pods=body["spec"]["replicas"], available=body["spec"]["replicas"])
        return VersionSeen()

    def confirmed(self, kind: str, key: Key) -> bool:
        return (kind, key) not in self.unconfirmed

    def surging(self) -> int:
        return 0

    def evidence(self) -> Evidence:
        """Nothing was found out."""
        return Evidence()

    def laggards(self) -> tuple[str, ...]:
        return tuple(str(key) for _, key in sorted(self.unconfirmed))

    def execute(self, wanted: Changes) -> None:
        for record in wanted.records:
            self.put(record.release.written())
            self.reasons.append(record.reason)
        for write in wanted.writes:
            self.put(write.body)
            self.reasons.append(write.reason)
        for removal in wanted.removals:
            self.stored.pop((removal.kind, removal.key), None)
            self.reasons.append(removal.reason)

    def planned(self, spec: Spec, observed: Observed, planned: Plan, report: Report) -> None:
        self.spec, self.report = spec, report

    async def changed(self, until: datetime | None) -> None:
        raise AssertionError("these tests run single passes")


def app(name: str, image: str, *, replicas: int = 4) -> list[dict[str, Any]]:
    """A Deployment and the App that releases it."""
    container = {"name": name, "image": image, "ports": [{"containerPort": 8080}]}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template},
    }
    spec = {
        "workload": {"deployment": name},
        "service": {"ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
        "release": {"steps": [{"weight": 25, "hold": "1m"}, {"weight": 100}]},
    }
    version = "laneway.dev/v1alpha1"
    return [deployment, {"apiVersion": version, "kind": "App", "metadata": {"name": name}, "spec": spec}]


def lane(name: str, image: str) -> dict[str, Any]:
    """A lane with a version of the pharmacy."""
    spec = {"apps": [{"name": "pharmacy", "image": image}]}
    return {
        "apiVersion": "laneway.dev/v1alpha1",
        "kind": "Lane",
        "metadata": {"name": name, "creationTimestamp": NOON.isoformat()},
        "spec": spec,
    }
