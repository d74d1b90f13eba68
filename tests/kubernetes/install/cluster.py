"""A real API server with Laneway installed, and what tests ask of it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lab.api import Api, ApiError, Object
from tests.lab.cache import program
from tests.lab.control_plane import ControlPlane

from laneway.kubernetes.api.access import access
from laneway.kubernetes.api.server import Server
from laneway.kubernetes.install.applying import install
from laneway.kubernetes.install.bundle import Options, bundle

OPTIONS = Options(image="laneway:test", keda=True)
TRIES = 100
PAUSE_S = 0.1


@dataclass(slots=True)
class Cluster:
    """lab: the control plane; operations: what installing did, by kind and name."""

    lab: ControlPlane
    operations: dict[tuple[str, str], str] = field(default_factory=dict)

    async def install(self) -> None:
        """As the command does; policies are in force when it returns."""
        async with Server.open(access(kubeconfig=self.lab.kubeconfig)) as server:
            async for manifest, operation in install(server, bundle(OPTIONS)):
                self.operations[manifest["kind"], manifest["metadata"]["name"]] = operation
        await self._policies_in_force()

    async def refusal(self, obj: Object) -> str:
        """Why the API server refuses to make an object; empty where it does not."""
        return await self._said("POST", (await self._path(obj)).rpartition("/")[0], obj)

    async def change_refusal(self, obj: Object, change: Object) -> str:
        """Why it refuses to change an object that is there."""
        return await self._said(
            "PATCH", await self._path(obj), change, content="application/merge-patch+json"
        )

    async def complaints(self, *arguments: str, kubeconfig: Path | None = None) -> str:
        """What kubectl prints besides its result, warnings among it; by default of who may do everything."""
        process = await asyncio.create_subprocess_exec(
            str(program("kubectl")),
            f"--kubeconfig={kubeconfig or self.lab.kubeconfig}",
            f"--cache-dir={self.lab.folder / 'kubectl'}",
            *arguments,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        return (await process.communicate())[1].decode()

    async def deletion_refusal(self, obj: Object) -> str:
        """Why it refuses to delete an object that is there."""
        return await self._said("DELETE", await self._path(obj), None)

    async def stored(self, obj: Object) -> Object:
        """Make an object, and read it back."""
        await self.lab.apply(obj)
        return await self.lab.api.get(await self._path(obj))

    async def policy_status(self, name: str) -> Object:
        """What Kubernetes says of a policy, once it has looked at it."""
        path = f"/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/{name}"
        for _ in range(TRIES):
            found = await self.lab.api.get(path)
            if found.get("status", {}).get("observedGeneration") == found["metadata"]["generation"]:
                status: Object = found["status"]
                return status
            await asyncio.sleep(PAUSE_S)
        raise AssertionError(f"nobody has looked at policy {name}")

    async def allowed(
        self, account: Api, verb: str, resource: str, namespace: str = "", name: str = ""
    ) -> bool:
        """Whether somebody may do something, as RBAC says. resource: `group/plural`, and `/part` of it."""
        group, _, rest = resource.partition("/")
        plural, _, part = rest.partition("/")
        attributes = {
            "verb": verb,
            "group": group,
            "resource": plural,
            "subresource": part,
            "namespace": namespace,
            "name": name,
        }
        asked = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        return bool((await account.request("POST", path, asked))["status"]["allowed"])

    def as_account(self, token: str) -> Api:
        """The API server as somebody else sees it."""
        return Api(self.lab.server, self.lab.authority, token)

    async def _path(self, obj: Object) -> str:
        return await self.lab.api.path(obj)

    async def _said(self, method: str, path: str, body: object, content: str = "application/json") -> str:
        try:
            await self.lab.api.request(method, path, body, content=content, dryRun="All")
        except ApiError as error:
            return str(json.loads(str(error).partition(": ")[2])["message"])
        return ""

    async def _policies_in_force(self) -> None:
        """The API server takes up policies on its own time: wait until the last one written refuses."""
        wrong = app(release={"steps": [{"weight": 50}]})
        definition = {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "meshes.laneway.dev"},
        }
        for _ in range(TRIES):
            if await self.refusal(wrong) and await self.deletion_refusal(definition):
                return
            await asyncio.sleep(PAUSE_S)
        raise AssertionError("policies are not in force")


def app(name: str = "pharmacy", namespace: str = "default", **spec: Any) -> Object:
    """An App that is right, but for what is given."""
    least = {"workload": {"deployment": name}, "service": {"ports": [{"port": 80}]}}
    return {
        "apiVersion": "laneway.dev/v1alpha1",
        "kind": "App",
        "metadata": {"name": name, "namespace": namespace},
        "spec": least | spec,
    }


def lane(name: str = "green", namespace: str = "default", **spec: Any) -> Object:
    """A Lane."""
    return {
        "apiVersion": "laneway.dev/v1alpha1",
        "kind": "Lane",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def release(name: str = "one", namespace: str = "default", **spec: Any) -> Object:
    """A Release of the pharmacy, unless other apps are given."""
    least = {"apps": [{"name": "pharmacy", "revision": "0123456789"}]}
    return {
        "apiVersion": "laneway.dev/v1alpha1",
        "kind": "Release",
        "metadata": {"name": name, "namespace": namespace},
        "spec": least | spec,
    }


def mesh(name: str = "default", **spec: Any) -> Object:
    """A Mesh."""
    return {
        "apiVersion": "laneway.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": {"name": name},
        "spec": spec,
    }
