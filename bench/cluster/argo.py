"""Argo Rollouts as one of those that are measured."""

from __future__ import annotations

from tests.lab import cache
from tests.lab.api import Object
from tests.lab.program import Program

from bench.cluster.field import ACCOUNT, Field, object_of, service, template
from bench.cluster.peer import install


class Argo:
    """With Istio's weights between two Services, as its documentation begins."""

    name = "Argo Rollouts"
    watched = "/apis/argoproj.io/v1alpha1/rollouts"
    profiled = False

    async def install(self, field: Field) -> None:
        """Its kinds and its rights."""
        await install(field, "rollouts-crds.yaml")

    async def start(self, field: Field) -> Program:
        """Its process."""
        kubeconfig = await field.lab.service_account_kubeconfig(*ACCOUNT)
        ports = ["--metricsport=18090", "--healthzPort=18091"]
        command = [
            str(cache.program("rollouts-controller")),
            f"--kubeconfig={kubeconfig}",
            "--leader-elect=false",
        ]
        return await field.start("rollouts", [*command, *ports])

    def app(self, name: str, replicas: int, version: str) -> list[Object]:
        """What people write for an app."""
        stable, canary = f"{name}-stable", f"{name}-canary"
        route = [
            {"destination": {"host": stable}, "weight": 100},
            {"destination": {"host": canary}, "weight": 0},
        ]
        rules = {"hosts": [stable], "http": [{"name": "primary", "route": route}]}
        istio = {"virtualService": {"name": name, "routes": ["primary"]}}
        strategy = {
            "stableService": stable,
            "canaryService": canary,
            "trafficRouting": {"istio": istio},
            "steps": [{"setWeight": 20}, {"pause": {"duration": "1s"}}],
        }
        spec = {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": template(name, version),
            "strategy": {"canary": strategy},
        }
        return [
            service(stable, name),
            service(canary, name),
            object_of("networking.istio.io/v1", "VirtualService", name) | {"spec": rules},
            object_of("argoproj.io/v1alpha1", "Rollout", name) | {"spec": spec},
        ]

    def change(self, name: str, version: str) -> Object:
        """What they merge into it for another version."""
        containers = template(name, version)["spec"]["containers"]
        spec = {"template": {"spec": {"containers": containers}}}
        return object_of("argoproj.io/v1alpha1", "Rollout", name) | {"spec": spec}

    def arrived(self, body: Object, version: str) -> bool:
        """The version has all requests; the old pods stay for half a minute more."""
        status, containers = body.get("status") or {}, body["spec"]["template"]["spec"]["containers"]
        return bool(
            containers[0]["image"].endswith(f":{version}")
            and status.get("phase") == "Healthy"
            and status.get("observedGeneration") == str(body["metadata"]["generation"])
            and status.get("stableRS") == status.get("currentPodHash")
        )
