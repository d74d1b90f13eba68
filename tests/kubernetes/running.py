"""A whole cluster with Laneway on it: control planes, a node with real Envoys, a gateway, controllers.

Owns how these are put together for a test. Must not know what a test is about.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sysconfig
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
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
from tests.lab.program import Program

from laneway.kubernetes.api.access import access
from laneway.kubernetes.api.requests import open_requests
from laneway.kubernetes.api.server import Server
from laneway.kubernetes.confirm.access import Access
from laneway.kubernetes.confirm.confirmations import Confirmations
from laneway.kubernetes.controller import Controller, Settings
from laneway.kubernetes.facts import proxies
from laneway.kubernetes.install.bundle import Options, bundle
from laneway.kubernetes.places import ACCOUNT, LEASE
from laneway.kubernetes.service.service import Service
from laneway.spec.meta import Key

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PROGRAM = Path(sysconfig.get_path("scripts")) / "laneway"
Wrote = Callable[[str, str, Key], Awaitable[None]]


@dataclass
class Cluster:
    """A running cluster. node: runs its pods; service: what commands ask."""

    lab: ControlPlane
    node: Node
    server: Server
    service: Service
    tokens: dict[str, str] = field(default_factory=dict)

    async def apply(self, *paths: Path, kinds: Collection[str] = ()) -> None:
        """The objects of YAML files, as `kubectl apply --server-side` would. kinds: only those, if any."""
        for path in paths:
            for body in yaml.safe_load_all(path.read_text()):
                if body and "kind" in body and (not kinds or body["kind"] in kinds):
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
                while not (found := await holds()):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)  # no watch tells of all that is waited for
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
        confirmations = Confirmations(way, pods=lambda: proxies(made[0].index))
        controller = Controller(self.server, confirmations, Settings(), wrote=wrote)
        made.append(controller)
        running = asyncio.create_task(controller.run())
        try:
            yield controller
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def controller_process(self, identity: str) -> Program:
        """`laneway controller` with the rights that are installed; it runs already, and waits to lead."""
        folder = self.lab.folder / "controllers"
        folder.mkdir(exist_ok=True)
        environment = {
            "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT))),
            "KUBECONFIG": str(await self.lab.service_account_kubeconfig(NAMESPACE, ACCOUNT)),
            "POD_NAME": identity,
        }
        health, metrics = free_port(), free_port()
        ports = ["--health-port", str(health), "--metrics-port", str(metrics)]
        program = Program(identity, [str(PROGRAM), "controller", *ports], folder, environment)
        await program.start()
        return program

    async def holder(self) -> str:
        """Who leads, by the Lease."""
        found = await self.get("Lease", NAMESPACE, LEASE)
        return str(found["spec"]["holderIdentity"])

    async def leave(self, namespace: str) -> None:
        """Delete the Apps and Lanes of a namespace, then all of it."""
        for kind in ("Lane", "App"):
            for body in (await self.server.list(kind, namespace))[0]:
                await self.server.delete(kind, Key(namespace, json.loads(body)["metadata"]["name"]))
        await self.server.delete("Namespace", Key("", namespace))


@asynccontextmanager
async def cluster(
    folder: Path, example: str = "shop", istiods: int = 1, more: Iterable[Path] = (), **settings: Any
) -> AsyncIterator[Cluster]:
    """Laneway's kinds and rights, an ingress gateway, the images of an example and of more folders."""
    async with AsyncExitStack() as stack:
        lab = await stack.enter_async_context(ControlPlane(folder / "lab", istiods=istiods, **settings))
        way = access(kubeconfig=lab.kubeconfig)
        server = await stack.enter_async_context(Server.open(way))
        service = Service(way, await stack.enter_async_context(open_requests(way)), None)
        stack.callback(service.close)
        for body in bundle(Options(image="laneway")):
            if body["kind"] != "Deployment":
                await lab.apply([body])
        node = await stack.enter_async_context(Node(lab, Images.of(EXAMPLES / example, *more)))
        await lab.apply(gateways.ingress())
        await node.until_ready(NAMESPACE, 1, app=gateways.INGRESS)
        yield Cluster(lab, node, server, service)


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def namespace(name: str) -> Mapping[str, Any]:
    """A namespace whose pods have sidecars."""
    labels = {"istio-injection": "enabled"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
