"""One app in a namespace of its own, and the stories that are told of it: a release, an abort.

Owns what its objects say and when it has settled. Must not know what goes wrong meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.kubernetes.faults.played import NODE, Played
from tests.lab.api import Object

from laneway.spec.meta import Key

STEPS = ({"weight": 20, "hold": "0s"}, {"weight": 100})
HELD = ({"weight": 20, "hold": "10m"}, {"weight": 100})
"""A release that stays at 20 % until somebody says more."""


@dataclass
class Web:
    """An App `web` with its Deployment, in a namespace. policy: its `release`; more: of its spec."""

    cluster: Played
    namespace: str
    replicas: int = 4
    policy: Mapping[str, Any] = field(default_factory=lambda: {"steps": STEPS})
    more: Mapping[str, Any] = field(default_factory=dict)
    pod: Mapping[str, Any] = field(default_factory=dict)
    name: str = "web"

    @property
    def key(self) -> Key:
        """The App's."""
        return Key(self.namespace, self.name)

    def deployment(self, version: str) -> Object:
        """The template, with its size."""
        container = {"name": self.name, "image": f"registry.example/{self.name}:{version}"}
        labels = {"app": self.name}
        pod = {"nodeName": NODE, "containers": [container], **self.pod}
        template = {"metadata": {"labels": labels}, "spec": pod}
        spec = {"replicas": self.replicas, "selector": {"matchLabels": labels}, "template": template}
        return self._object("apps/v1", "Deployment", spec)

    def app(self) -> Object:
        """The App."""
        spec = {
            "workload": {"deployment": self.name},
            "service": {"ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
            "release": dict(self.policy),
            **self.more,
        }
        return self._object("laneway.dev/v1alpha1", "App", spec)

    def _object(self, version: str, kind: str, spec: Mapping[str, Any]) -> Object:
        metadata = {"name": self.name, "namespace": self.namespace}
        return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": dict(spec)}

    async def make(self, version: str = "1") -> None:
        """The namespace and the objects of people."""
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        await self.cluster.put(namespace, self.deployment(version), self.app())

    async def deploy(self, version: str) -> None:
        """Another version. `replicas` is left out: it was held at zero."""
        body = self.deployment(version)
        del body["spec"]["replicas"]
        await self.cluster.put(body)

    async def ask(self, verb: str) -> None:
        """A person's word on the newest release."""
        newest = max(await self.releases(), key=lambda release: str(release["status"]["startedAt"]))
        request = {"verb": verb, "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
        key = Key(self.namespace, newest["metadata"]["name"])
        await self.cluster.server.patch("Release", key, {"spec": {"request": request}})

    async def listed(self, kind: str) -> list[dict[str, Any]]:
        """All objects of a kind in the namespace."""
        return [json.loads(body) for body in (await self.cluster.server.list(kind, self.namespace))[0]]

    async def releases(self) -> list[dict[str, Any]]:
        """The records."""
        return await self.listed("Release")

    async def rules(self) -> dict[str, Any]:
        """The VirtualService."""
        return await self.cluster.get("VirtualService", *self.key)

    async def weights(self) -> dict[str, float]:
        """What the rules give each subset, in percent."""
        return weights_of(await self.rules())

    async def images(self) -> dict[str, int]:
        """Pods that are ready and stay, by the version of their image."""
        found: dict[str, int] = {}
        for pod in await self.listed("Pod"):
            if is_available(pod):
                version = pod["spec"]["containers"][0]["image"].rpartition(":")[2]
                found[version] = found.get(version, 0) + 1
        return found

    async def conditions(self) -> dict[str, str]:
        """Of the App as it is now; none of an older generation."""
        app = await self.cluster.get("App", *self.key)
        status = app.get("status") or {}
        if status.get("observedGeneration") != app["metadata"]["generation"]:
            return {}
        return {each["type"]: each["status"] for each in status.get("conditions") or ()}

    async def settled(self, version: str) -> bool:
        """Everything is with this version, its pods are all there, and nothing is left of others."""
        quiet = {"Ready": "True", "Reconciling": "False", "Stalled": "False", "Progressing": "False"}
        if not quiet.items() <= (await self.conditions()).items():
            return False
        if await self.images() != {version: self.replicas} or len(await self.weights()) != 1:
            return False
        return len((await self.cluster.get("DestinationRule", *self.key))["spec"]["subsets"]) == 1

    async def until_settled(self, version: str, seconds: float = 60) -> None:
        """Wait for it."""
        try:
            await self.cluster.until(lambda: self.settled(version), f"{self.key} at {version}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{await self.told()}") from None

    async def until_weights(self, *percents: int, seconds: float = 60) -> None:
        """Wait until the rules give exactly these shares, stable's first where the release began."""

        async def holds() -> bool:
            return sorted((await self.weights()).values()) == sorted(percents)

        try:
            await self.cluster.until(holds, f"{self.key} has the weights {percents}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{await self.told()}") from None

    async def told(self) -> str:
        """What kubectl tells, for who reads a failure."""
        kinds = "apps.laneway.dev,releases,deployments,pods,virtualservices"
        listed = await self.cluster.lab.kubectl("get", kinds, "-n", self.namespace, "-o", "wide")
        app = await self.cluster.server.get("App", self.key)
        return f"{listed}\n{json.dumps((app or {}).get('status'), indent=1)}"


def weights_of(rules: Mapping[str, Any]) -> dict[str, float]:
    """The share of each subset in the rule for everybody, in percent; whatever the weights sum to."""
    routes = rules["spec"]["http"][-1]["route"]
    total = sum(each.get("weight", 100) for each in routes)
    return {each["destination"]["subset"]: each.get("weight", 100) * 100 / total for each in routes}


def is_available(pod: Mapping[str, Any]) -> bool:
    """Whether a pod takes requests and is not about to end."""
    conditions = pod.get("status", {}).get("conditions") or ()
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]
