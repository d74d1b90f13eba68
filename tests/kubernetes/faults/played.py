"""A cluster whose pods kwok plays: real API server, controllers and istiod, no traffic.

Owns how it is put together, and a controller that sees one namespace alone, so that several run side by side.
Must not know what goes wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.api import Object
from tests.lab.control_plane import ControlPlane
from tests.lab.istiod import AUDIENCE, NAMESPACE
from tests.lab.kwok import LABEL

from laneway.kubernetes.api.access import access
from laneway.kubernetes.api.kinds import RESOURCES
from laneway.kubernetes.api.requests import open_requests
from laneway.kubernetes.api.server import Listed, Server
from laneway.kubernetes.confirm.access import Access
from laneway.kubernetes.confirm.confirmations import Confirmations
from laneway.kubernetes.controller import Controller, Settings
from laneway.kubernetes.install.bundle import Options, bundle
from laneway.spec.meta import Key

ENDS_S = 30
NODE = next(iter(LABEL.values()))
Wrote = Callable[[str, str, Key], Awaitable[None]]


class Within(Server):
    """The API server of whom only one namespace is shown."""

    namespace = ""

    async def list(
        self, kind: str, namespace: str | None = None, labels: str | None = None, fields: str | None = None
    ) -> Listed:
        """Of the namespace."""
        return await super().list(kind, self._shown(kind, namespace), labels, fields)

    def watch(
        self, kind: str, namespace: str | None, query: Mapping[str, str], idle_seconds: float
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Of the namespace."""
        return super().watch(kind, self._shown(kind, namespace), query, idle_seconds)

    def _shown(self, kind: str, namespace: str | None) -> str | None:
        return namespace or (self.namespace if RESOURCES[kind].namespaced else None)


@dataclass
class Running:
    """A controller. ended: its task; a failure of it is raised there."""

    controller: Controller
    server: Server
    task: asyncio.Task[None]


@dataclass
class Played:
    """A running cluster."""

    lab: ControlPlane
    server: Server

    @asynccontextmanager
    async def controller(
        self, namespace: str = "", wrote: Wrote | None = None, url: str = ""
    ) -> AsyncIterator[Running]:
        """A controller of one namespace (empty: of all), with nothing known; killed at the end.

        url: of what stands before the API server.
        """
        token = await self.lab.service_account_token(NAMESPACE, "laneway", AUDIENCE)
        way = Access(root=self.lab.mesh_authority.read_bytes, token=lambda: token)
        to = access(kubeconfig=self.lab.kubeconfig)
        if url:
            to = type(to)(url=url, context=to.context, credentials=to.credentials)
        async with open_requests(to) as requests:
            server = Within(requests)
            server.namespace = namespace
            controller = Controller(server, Confirmations(way, pods=tuple), Settings(), wrote=wrote)
            task = asyncio.create_task(controller.run())
            try:
                yield Running(controller, server, task)
            finally:
                await ended(task)

    async def get(self, kind: str, namespace: str, name: str) -> dict[str, Any]:
        """An object. Raises AssertionError where there is none."""
        found = await self.server.get(kind, Key(namespace, name))
        assert found is not None, f"there is no {kind} {namespace}/{name}"
        return found

    async def put(self, *bodies: Object) -> None:
        """Objects, by the manager of a person."""
        await self.lab.apply(list(bodies))

    async def until(
        self, holds: Callable[[], Awaitable[object]], what: str | Callable[[], object], seconds: float = 60
    ) -> Any:
        """What `holds` gives as soon as it is true. Raises AssertionError."""
        found: object = None
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not (found := await holds()):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)  # no watch tells of all that is waited for
        assert found, f"not within {seconds:.0f} s: {what() if callable(what) else what}"
        return found


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel a controller. Raises what it failed by, AssertionError where it does not end."""
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=ENDS_S)
    if not done:
        for each in asyncio.all_tasks():
            each.print_stack(limit=4)
    assert done, "a controller that is cancelled ends"
    with suppress(asyncio.CancelledError):
        task.result()


@asynccontextmanager
async def played(folder: Path, **settings: Any) -> AsyncIterator[Played]:
    """A cluster with Laneway's kinds, and a node of kwok's."""
    async with ControlPlane(folder / "lab", **settings) as lab, lab.kwok(NODE):
        for body in bundle(Options(image="laneway")):
            if body["kind"] != "Deployment":
                await lab.apply([body])
        async with Server.open(access(kubeconfig=lab.kubeconfig)) as server:
            yield Played(lab, server)
