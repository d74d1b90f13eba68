"""The example shop in a namespace of its own: the page calls the pharmacy, which calls the inventory.

Owns what of the examples' YAML is changed for a test, and what is waited for. Must not know what a test is
about.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

import yaml
from tests.acceptance.flood import Answer, flood, versions
from tests.kubernetes.running import EXAMPLES, Cluster
from tests.kubernetes.running import namespace as namespace_of
from tests.lab.api import Object
from tests.lab.node.pod import Pod

from laneway.kubernetes.template_hold import HELD as HELD_SIZE
from laneway.local.http1 import Address, Request
from laneway.spec.meta import Key
from laneway.spec.release import Verb

STEPS = ({"weight": 20, "hold": "1s"}, {"weight": 100})
HELD = ({"weight": 20, "hold": "10m"}, {"weight": 100})
"""A release that stays at 20 % until somebody says more."""
CALLS = {"page": "http://pharmacy/", "pharmacy": "http://inventory/", "inventory": ""}
"""Fewer than in the example: each pod costs an Envoy."""
NO_RETRIES = {"attempts": 0}


def example(name: str, namespace: str) -> list[Object]:
    """A file of the example, with its names moved into this namespace."""
    text = (EXAMPLES / "shop" / f"{name}.yaml").read_text()
    moved = text.replace("namespace: shop", f"namespace: {namespace}")
    moved = moved.replace("shop/public", f"{namespace}/public").replace(
        "shop.example", f"{namespace}.example"
    )
    return [each for each in yaml.safe_load_all(moved) if each]


@dataclass(frozen=True, slots=True)
class Running:
    """A pod of the shop. tag: of its image; ends: it was deleted."""

    name: str
    service: str
    tag: str
    ends: bool

    @classmethod
    def of(cls, pod: Pod) -> Self:
        """A pod on the node."""
        (container,) = pod.body["spec"]["containers"]
        tag = container["image"].rpartition(":")[2]
        return cls(pod.body["metadata"]["name"], container["name"], tag, pod.ending)


@dataclass
class Shop:
    """A shop. retries: of every rule, None for those of the example; policy, scale, rules: the pharmacy's;
    the last is more of each of its rules.

    What is changed later counts from the next `deploy` or `rule` on.
    """

    cluster: Cluster
    namespace: str
    apps: Sequence[str] = ("page", "pharmacy", "inventory")
    replicas: int = 2
    retries: Mapping[str, Any] | None = field(default_factory=lambda: NO_RETRIES)
    policy: Mapping[str, Any] = field(default_factory=lambda: {"steps": STEPS})
    rules: Mapping[str, Any] = field(default_factory=dict)
    scale: Mapping[str, Any] | None = None

    @property
    def host(self) -> str:
        """Its public host."""
        return f"{self.namespace}.example"

    @property
    def address(self) -> Address:
        """Where the ingress gateway listens."""
        found = urlsplit(self.cluster.node.ingress_url())
        return str(found.hostname), int(found.port or 80)

    def key(self, name: str) -> Key:
        """A name in its namespace."""
        return Key(self.namespace, name)

    def objects(self, name: str, version: str = "blue") -> list[Object]:
        """The Deployment and the App of one service. The Deployment is held from the start: pods cost."""
        made = example(name, self.namespace)
        for each in made:
            spec = each["spec"]
            if each["kind"] == "Deployment":
                replicas = self.replicas if name == "pharmacy" else 1
                each["metadata"]["annotations"] = {HELD_SIZE: str(replicas)}
                spec["replicas"] = 0
                (container,) = spec["template"]["spec"]["containers"]
                container["image"] = f"{container['image'].rpartition(':')[0]}:{version}"
                container["env"] = [{"name": "CALLS", "value": CALLS[name]}]
            else:
                self._rules(name, spec)
        return made

    def _rules(self, name: str, spec: Object) -> None:
        if self.retries is not None:
            rules = spec.setdefault("routing", {}).setdefault("http", [])
            if name == "inventory" or name == "page":
                rules.append({"name": name})
            for rule in rules:
                rule["retries"] = dict(self.retries)
        if name == "pharmacy":
            for rule in spec["routing"]["http"]:
                rule.update(copy.deepcopy(dict(self.rules)))
            spec["release"] = copy.deepcopy(dict(self.policy))
            if self.scale is not None:
                spec["scale"] = dict(self.scale)

    def door(self) -> Object:
        """The public Gateway."""
        (found,) = (each for each in example("mesh", self.namespace) if each["kind"] == "Gateway")
        return found

    async def up(self) -> None:
        """Everything at its first version, served."""
        await self.cluster.put(dict(namespace_of(self.namespace)))
        await self.cluster.put(self.door())
        for name in self.apps:
            for body in self.objects(name):
                await self.cluster.put(body)
        for name in self.apps:
            await self.cluster.until_app(self.namespace, name, 60, Ready="True", Reconciling="False")

    async def rule(self, name: str = "pharmacy") -> None:
        """The App of a service, as it shall be now."""
        (app,) = (each for each in self.objects(name) if each["kind"] == "App")
        await self.cluster.put(app)

    async def deploy(self, version: str, name: str = "pharmacy", image: str = "") -> None:
        """Another version of a service, by its Deployment.

        image: another one, without its tag; one that no node knows does not start.
        """
        deployment, app = self.objects(name, version)
        if image:
            deployment["spec"]["template"]["spec"]["containers"][0]["image"] = f"{image}:{version}"
        await self.cluster.put(app)
        await self.cluster.put(deployment)

    async def status(self, name: str = "pharmacy") -> dict[str, Any]:
        """What an App's status says."""
        found: dict[str, Any] = (await self.cluster.get("App", self.namespace, name)).get("status") or {}
        return found

    async def served(self, name: str = "pharmacy") -> dict[str, float]:
        """The weights that every proxy serves, by image tag, without zeros."""
        versions = (await self.status(name)).get("versions") or ()
        found = {each["image"].rpartition(":")[2]: each.get("served") for each in versions}
        return {tag: weight for tag, weight in found.items() if weight}

    async def until_served(
        self, weights: Mapping[str, float], name: str = "pharmacy", seconds: float = 60
    ) -> None:
        """Every proxy serves these weights, and no other."""
        await self.cluster.until(lambda: self._serves(name, weights), f"{name} serves {weights}", seconds)

    async def _serves(self, name: str, weights: Mapping[str, float]) -> bool:
        return await self.served(name) == weights

    async def releases(self, name: str = "pharmacy") -> list[dict[str, Any]]:
        """The records of an app's releases, oldest first."""
        raw, _ = await self.cluster.server.list("Release", self.namespace)
        found = [json.loads(each) for each in raw]
        mine = [each for each in found if any(app["name"] == name for app in each["spec"]["apps"])]
        return sorted(mine, key=lambda each: str((each.get("status") or {}).get("startedAt", "9")))

    async def phase(self, name: str = "pharmacy") -> str:
        """Of the newest release; empty where there is none."""
        found = await self.releases(name)
        return str((found[-1].get("status") or {}).get("phase", "")) if found else ""

    async def until_phase(self, phase: str, name: str = "pharmacy", seconds: float = 60) -> None:
        """The newest release is there."""

        async def holds() -> bool:
            return await self.phase(name) == phase

        await self.cluster.until(holds, f"the release of {name} is {phase}", seconds)

    async def ask(self, verb: Verb, name: str = "pharmacy", reason: str = "a test") -> None:
        """A person's word on the newest release, as `laneway release VERB` gives it."""
        await self.cluster.service.request(self.key(name), verb, "tester", reason)

    async def until_finding(self, code: str, name: str = "pharmacy", seconds: float = 60) -> None:
        """The App's status says that."""

        async def holds() -> bool:
            return any(each["code"] == code for each in (await self.status(name)).get("findings") or ())

        await self.cluster.until(holds, f"{name} says {code}", seconds)

    async def answers(
        self, number: int = 1, path: str = "/pharmacy", headers: Mapping[str, str] | None = None
    ) -> list[Answer]:
        """What so many requests at the gateway are answered."""
        requests = [Request(self.host, path, dict(headers or {}))] * number
        return await asyncio.to_thread(flood, self.address, requests)

    async def versions(
        self, number: int = 1, path: str = "/pharmacy", headers: Mapping[str, str] | None = None
    ) -> Counter[str]:
        """Of the pharmacy that answers so many requests at the gateway. Each has to succeed."""
        found = await self.answers(number, path, headers)
        assert all(each["status"] == 200 for each in found), found
        return Counter(versions(each)["pharmacy"] for each in found)

    def pods(self, name: str = "pharmacy") -> list[Running]:
        """The pods of a service that run, those that end included."""
        there = (Running.of(pod) for pod in self.cluster.node.pods(self.namespace))
        return [pod for pod in there if pod.service == name]

    def tags(self, name: str = "pharmacy") -> Counter[str]:
        """How many pods of a service run, by image tag; those that end are left out."""
        return Counter(pod.tag for pod in self.pods(name) if not pod.ends)

    async def until_tags(self, tags: Mapping[str, int], name: str = "pharmacy", seconds: float = 60) -> None:
        """So many pods of each version run; those that end are not waited for."""

        async def holds() -> bool:
            return self.tags(name) == tags

        await self.cluster.until(holds, f"{name} has pods {tags}", seconds)

    async def until_pods(self, number: int, name: str = "pharmacy", seconds: float = 60) -> None:
        """So many pods of a service are there, old ones gone."""

        async def holds() -> bool:
            return len(self.pods(name)) == number

        try:
            await self.cluster.until(holds, f"{name} has {number} pods", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{await self.told()}") from None

    async def told(self) -> str:
        """What kubectl tells of everything, for who reads a failure."""
        kinds = "apps.laneway.dev,releases,lanes,deployments,pods,virtualservices"
        return await self.cluster.lab.kubectl("get", kinds, "-n", self.namespace, "-o", "wide")

    async def lane(self, name: str, apps: Mapping[str, str], **spec: Any) -> None:
        """A Lane with these versions, by app."""
        listed = [{"name": app, "image": f"registry.example/shop/{app}:{tag}"} for app, tag in apps.items()]
        metadata = {"name": name, "namespace": self.namespace}
        body = {"apiVersion": "laneway.dev/v1alpha1", "kind": "Lane", "metadata": metadata}
        await self.cluster.put(body | {"spec": {"apps": listed, **spec}})

    async def until_lane(self, name: str, seconds: float = 60) -> None:
        """The lane serves."""

        async def holds() -> bool:
            lane = await self.cluster.get("Lane", self.namespace, name)
            found = (lane.get("status") or {}).get("conditions") or ()
            return any(each["type"] == "Ready" and each["status"] == "True" for each in found)

        await self.cluster.until(holds, f"lane {name} is ready", seconds)

    async def delete(self, kind: str, name: str) -> None:
        """Delete an object, as a person does."""
        await self.cluster.server.delete(kind, self.key(name))
