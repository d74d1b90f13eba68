"""Flagger as one of those that are measured."""

from __future__ import annotations

from tests.lab import cache
from tests.lab.api import Object
from tests.lab.program import Program

from bench.cluster.field import ACCOUNT, Field, object_of, template
from bench.cluster.peer import install

ARRIVED = {"v1": "Initialized", "v2": "Succeeded"}
"""The phase of a Canary whose first version, or whose next, has all requests."""


class Flagger:
    """Without metrics, so that nothing is waited for but its own intervals."""

    name = "Flagger"
    watched = "/apis/flagger.app/v1beta1/canaries"
    profiled = False

    async def install(self, field: Field) -> None:
        """Its kinds and its rights."""
        await install(field, "flagger-crds.yaml")

    async def start(self, field: Field) -> Program:
        """Its process."""
        kubeconfig = await field.lab.service_account_kubeconfig(*ACCOUNT)
        options = [
            "-mesh-provider=istio",
            "-port=18092",
            "-log-level=info",
            "-metrics-server=http://127.0.0.1:1",
        ]
        return await field.start(
            "flagger", [str(cache.program("flagger")), f"-kubeconfig={kubeconfig}", *options]
        )

    def app(self, name: str, replicas: int, version: str) -> list[Object]:
        """What people write for an app."""
        deployment = {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": template(name, version),
        }
        canary = {
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "service": {"port": 80, "targetPort": 8080},
            "analysis": {"interval": "1s", "threshold": 5, "stepWeights": [20, 100]},
        }
        return [
            object_of("apps/v1", "Deployment", name) | {"spec": deployment},
            object_of("flagger.app/v1beta1", "Canary", name) | {"spec": canary},
        ]

    def change(self, name: str, version: str) -> Object:
        """What they merge into it for another version."""
        containers = template(name, version)["spec"]["containers"]
        spec = {"template": {"spec": {"containers": containers}}}
        return object_of("apps/v1", "Deployment", name) | {"spec": spec}

    def arrived(self, body: Object, version: str) -> bool:
        """The version has all requests."""
        return bool((body.get("status") or {}).get("phase") == ARRIVED[version])
