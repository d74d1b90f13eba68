"""Laneway as one of those that are measured."""

from __future__ import annotations

import sys

from tests.lab.api import Object
from tests.lab.istiod import AUDIENCE
from tests.lab.program import Program

from bench.cluster.field import ACCOUNT, NAMESPACE, Field, template
from laneway.kubernetes.install.bundle import Options, bundle

STEPS = [{"weight": 20, "hold": "1s"}, {"weight": 100}]


class Laneway:
    """surge: pods that all releases together may add, None for no bound; profile: a file for a profile."""

    watched = "/apis/laneway.dev/v1alpha1/apps"

    def __init__(self, surge: int | None = None, profile: str = "") -> None:
        self.name = "Laneway" + (f", surge {surge}" if surge else "")
        self._surge = surge
        self._profile = profile
        self.profiled = bool(profile)

    async def install(self, field: Field) -> None:
        """Its kinds and its rights."""
        for body in bundle(Options(image="laneway")):
            if body["kind"] != "Deployment":
                await field.lab.apply([body])
        spec = {"surge": self._surge} if self._surge else {}
        mesh = {
            "apiVersion": "laneway.dev/v1alpha1",
            "kind": "Mesh",
            "metadata": {"name": "default"},
            "spec": spec,
        }
        await field.lab.apply([mesh])

    async def start(self, field: Field) -> Program:
        """Its process."""
        lab = field.lab
        token = lab.folder / "istiod.token"
        token.write_text(await lab.service_account_token(*ACCOUNT, AUDIENCE))
        files = (await lab.service_account_kubeconfig(*ACCOUNT), lab.mesh_authority, token)
        command = [sys.executable, "-m", "bench.cluster.controller", *map(str, files)]
        return await field.start("laneway", [*command, self._profile] if self._profile else command)

    def app(self, name: str, replicas: int, version: str) -> list[Object]:
        """What people write for an app."""
        metadata = {"name": name, "namespace": NAMESPACE}
        deployment = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": name}},
                "template": template(name, version),
            },
        }
        spec = {
            "workload": {"deployment": name},
            "service": {"ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
            "release": {"steps": STEPS},
        }
        app = {"apiVersion": "laneway.dev/v1alpha1", "kind": "App", "metadata": metadata, "spec": spec}
        return [deployment, app]

    def change(self, name: str, version: str) -> Object:
        """What they merge into it for another version."""
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"template": {"spec": {"containers": template(name, version)["spec"]["containers"]}}},
        }

    def arrived(self, body: Object, version: str) -> bool:
        """Every proxy serves the version alone, and the old pods are not wanted any more."""
        status = body.get("status") or {}
        said = {each["type"]: each["status"] for each in status.get("conditions") or ()}
        stable = [each for each in status.get("versions") or () if each["role"] == "stable"]
        at_rest = (
            said.get("Ready") == "True" and said.get("Reconciling") == "False" and not status.get("release")
        )
        return bool(at_rest and stable and stable[0]["image"].endswith(f":{version}"))
