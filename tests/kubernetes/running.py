"""A whole cluster with Laneway on it: control planes, a node with real Envoys, a gateway, controllers.

Owns how these are put together for a test. Must not know what a test is about.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from tests.lab.api import Object
from tests.lab.control_plane import ControlPlane
from tests.lab.istiod import AUDIENCE, NAMESPACE
from tests.lab.node import gateways
from tests.lab.node.images import Images
from tests.lab.node.node import Node

from laneway.kubernetes.api.access import access
from laneway.kubernetes.api.server import Server
from laneway.kubernetes.confirm.access import Access
from laneway.kubernetes.confirm.confirmations import Confirmations
from laneway.kubernetes.confirm.wanted import Pod
from laneway.kubernetes.controller import Controller, Settings
from laneway.kubernetes.install.bundle import Options, bundle
from laneway.spec.meta import Key

EXAMPLES = Path(__file__).parents[2] / "examples"
Wrote = Callable[[str, str, Key], Awaitable[None]]


@dataclass
class Cluster:
    """A running cluster. node: runs its pods."""

    lab: ControlPlane
    node: Node
    server: Server
    tokens: dict[str, str] = field(default_factory=dict)

    async def apply(self, *paths: Path, namespace: str | None = None) -> None:
        """The objects of YAML files, as `kubectl apply --server-side` would."""
        for path in paths:
            for body in yaml.safe_load_all(path.read_text()):
                if body and "kind" in body:
                    await self.put(body)

    async def put(self, body: Object) -> None:
        """One object, by the manager of a person."""
        await self.lab.apply([body])

    async def get(self, kind: str, namespace: str, name: str) -> dict[str, Any]:
        """An object. Raises AssertionError where there is none."""
        found = await self.server.get(kind, Key(namespace, name))
        assert found is not None, f"there is no {kind} {namespace}/{name}"
        return found

    async def until(self, holds: Callable[[], Awaitable[object]], what: str, seconds: float = 60) -> Any:
        """What `holds` gives as soon as it is true. Raises AssertionError."""
        found: object = None
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not (found := await holds()):
                    await asyncio.sleep(0.05)
        assert found, f"not within {seconds:.0f} s: {what}"
        return found

    async def until_app(
        self, namespace: str, name: str, seconds: float = 60, **conditions: str
    ) -> dict[str, Any]:
        """The App once its conditions are as given."""

        async def holds() -> dict[str, Any] | None:
            app = await self.get("App", namespace, name)
            status = app.get("status") or {}
            now = {each["type"]: each["status"] for each in status.get("conditions") or ()}
            current = status.get("observedGeneration") == app["metadata"]["generation"]
            return app if current and conditions.items() <= now.items() else None

        found: dict[str, Any] = await self.until(holds, f"App {namespace}/{name} {conditions}", seconds)
        return found

    @asynccontextmanager
    async def controller(self, wrote: Wrote | None = None) -> AsyncIterator[Controller]:
        """A controller that runs inside; killed at the end."""
        token = await self.lab.service_account_token(NAMESPACE, "laneway", AUDIENCE)
        way = Access(root=self.lab.mesh_authority.read_bytes, token=lambda: token)
        made: list[Controller] = []
        confirmations = Confirmations(way, pods=lambda: _pods(made))
        controller = Controller(self.server, confirmations, Settings(), wrote=wrote)
        made.append(controller)
        running = asyncio.create_task(controller.run())
        try:
            yield controller
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


def _pods(made: list[Controller]) -> list[Pod]:
    return [Pod(key.namespace, key.name) for key in made[0].index.meshed]


@asynccontextmanager
async def cluster(
    folder: Path, example: str = "shop", istiods: int = 1, **settings: Any
) -> AsyncIterator[Cluster]:
    """A cluster with Laneway's kinds, an ingress gateway, and the images of an example."""
    async with AsyncExitStack() as stack:
        lab = await stack.enter_async_context(ControlPlane(folder / "lab", istiods=istiods, **settings))
        server = await stack.enter_async_context(Server.open(access(kubeconfig=lab.kubeconfig)))
        for body in bundle(Options(image="laneway")):
            if body["kind"] != "Deployment":
                await lab.apply([body])
        node = await stack.enter_async_context(Node(lab, Images.of(EXAMPLES / example)))
        await lab.apply(gateways.ingress())
        await node.until_ready(NAMESPACE, 1, app=gateways.INGRESS)
        yield Cluster(lab, node, server)


def namespace(name: str) -> Mapping[str, Any]:
    """A namespace whose pods have sidecars."""
    labels = {"istio-injection": "enabled"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
