"""A shop in a namespace of its own, and what a controller would write there, played by the test."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import yaml
from tests.kubernetes.service.objects import NEW, STABLE, version
from tests.lab.api import MERGE, ApiError
from tests.lab.control_plane import ControlPlane

from laneway.kubernetes.part import read_template
from laneway.kubernetes.template_hold import hold
from laneway.plan.revision import revision_of

Json = dict[str, Any]

TEMPLATE = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: pharmacy}
spec:
  replicas: 2
  selector: {matchLabels: {app: pharmacy}}
  template:
    metadata: {labels: {app: pharmacy}}
    spec:
      affinity: {podAntiAffinity: {}}
      containers: [{name: app, image: "pharmacy:1"}, {name: more, image: "more:1"}]
"""
APP = """
apiVersion: laneway.dev/v1alpha1
kind: App
metadata: {name: pharmacy}
spec:
  workload: {deployment: pharmacy}
  service: {ports: [{port: 80, name: http, targetPort: 8080}]}
"""
TRIES, PAUSE_SECONDS = 1000, 0.02
FAR = "2100-01-01T00:00:00.000000Z"


class Shop:
    """lab: the control plane."""

    def __init__(self, lab: ControlPlane, namespace: str) -> None:
        self.lab = lab
        self.namespace = namespace

    def bodies(self, *texts: str) -> list[Json]:
        """Objects of this shop."""
        found = [body for text in texts or (TEMPLATE, APP) for body in yaml.safe_load_all(text)]
        return [body | {"metadata": body["metadata"] | {"namespace": self.namespace}} for body in found]

    async def begin(self) -> None:
        """Have the namespace, and a Lease by which somebody leads, for ever."""
        await self.lab.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}})
        await self.led("the test")

    async def end(self) -> None:
        """Have it no more, some time."""
        await self.lab.api.request("DELETE", f"/api/v1/namespaces/{self.namespace}", {})

    async def led(self, by: str) -> None:
        """Somebody leads, or with an empty name nobody."""
        spec = {"holderIdentity": by, "renewTime": FAR, "leaseDurationSeconds": 15}
        metadata = {"name": "laneway", "namespace": "istio-system"}
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
        await self.lab.apply(lease)

    async def get(self, kind: str, name: str) -> Json | None:
        """An object, as it is stored."""
        try:
            return await self.lab.api.get(await self.path(kind, name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def path(self, kind: str, name: str) -> str:
        """Where it is."""
        groups = {"Deployment": "apps/v1", "ServiceAccount": "v1", "CronJob": "batch/v1"}
        named = {"name": name, "namespace": self.namespace}
        version = groups.get(kind, "laneway.dev/v1alpha1")
        return await self.lab.api.path({"apiVersion": version, "kind": kind, "metadata": named})

    async def merge(self, kind: str, name: str, patch: Json, manager: str = "somebody") -> None:
        """Change a part of it."""
        path = await self.path(kind, name)
        await self.lab.api.request("PATCH", path, patch, content=MERGE, fieldManager=manager)

    async def says(self, kind: str, name: str, status: Json) -> None:
        """What the controller would write into its status."""
        path = f"{await self.path(kind, name)}/status"
        await self.lab.api.request("PATCH", path, {"status": status}, content=MERGE)

    async def until(self, asked: Callable[[], Awaitable[Json | None]]) -> Json:
        """What is asked for, as soon as it is there."""
        for _ in range(TRIES):
            if (found := await asked()) is not None:
                return found
            await asyncio.sleep(PAUSE_SECONDS)
        raise AssertionError("it never was there")

    async def request(self) -> Json | None:
        """What was asked of the release."""
        found = await self.get("Release", "to-b")
        return found["spec"].get("request") if found else None

    async def revision(self) -> str:
        """Of the pharmacy's template."""
        found = await self.get("Deployment", "pharmacy")
        assert found is not None
        return revision_of(read_template(found["spec"]["template"]))

    async def serves_file(self, text: str) -> None:
        """What a file says was applied by a command, and serves."""
        for body in self.bodies(text):
            await self.lab.api.apply(body, manager="laneway-cli")
        revision = await self.revision()
        await self.serves(stable=revision, versions=[version(revision)])

    async def serves(self, generation: int = 1, **said: Any) -> None:
        """The pharmacy serves its stable revision."""
        told = {"observedGeneration": generation, "stable": STABLE, "versions": [version()]}
        await self.says("App", "pharmacy", told | said)

    async def releases(self, phase: str = "Progressing", **said: Any) -> None:
        """There is a release of it to another revision."""
        if await self.get("Release", "to-b") is None:
            metadata = {"name": "to-b", "namespace": self.namespace}
            spec = {"apps": [{"name": "pharmacy", "revision": NEW}]}
            made = {
                "apiVersion": "laneway.dev/v1alpha1",
                "kind": "Release",
                "metadata": metadata,
                "spec": spec,
            }
            await self.lab.apply(made)
        begun = "2030-01-01T00:00:00Z"
        record = {"phase": phase, "stable": STABLE, "startedAt": begun, "stepStartedAt": begun}
        await self.says("Release", "to-b", record | said)

    async def holds_template(self) -> None:
        """Its Deployment has no pods of its own any more."""
        found = await self.get("Deployment", "pharmacy")
        assert found is not None
        patch = hold(found)
        del patch["metadata"]["resourceVersion"]  # its numbers of pods change meanwhile
        await self.merge("Deployment", "pharmacy", patch, manager="laneway")
