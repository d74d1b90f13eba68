"""A control plane of Kubernetes and Istio for tests: etcd, API server, controllers, istiods: all real.

Owns the order in which parts start and end, and how a test reaches them. Must not know the product.

    async with ControlPlane(folder, istiods=1) as lab:
        await lab.apply(yaml)
        lab.istiods[0].grpc
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.lab import cache, credentials, istiod, kubernetes, kwok, prepared
from tests.lab.addresses import API_SERVER, FIRST_ISTIOD, ISTIODS_MAX, block
from tests.lab.api import Api, ApiError, Object, objects
from tests.lab.istiod import Istiod
from tests.lab.program import NotStarted, Program
from tests.lab.waiting import until


class ControlPlane:
    """A running control plane. It needs root, for addresses on the loopback device.

    Args:
        folder: for everything that it writes, logs among it; it is made where it is not there.
        istiods: how many.
        mesh: Istio's mesh configuration, YAML.
        autoscaler_sync_s: how often HorizontalPodAutoscalers are looked at.
        istiod_environment: more variables for istiods.
        api_server_flags: more flags for the API server.
    """

    def __init__(
        self,
        folder: Path,
        *,
        istiods: int = 1,
        mesh: str = istiod.MESH,
        autoscaler_sync_s: float = 2.0,
        istiod_environment: Mapping[str, str] | None = None,
        api_server_flags: Sequence[str] = (),
    ) -> None:
        if not 0 <= istiods <= ISTIODS_MAX:
            raise ValueError(f"{istiods} istiods; it may be 0 to {ISTIODS_MAX}")
        self.folder = folder.absolute()
        self.istiods: list[Istiod] = []
        self._count = istiods
        self._mesh = mesh
        self._sync_s = autoscaler_sync_s
        self._istiod_environment = dict(istiod_environment or {})
        self._api_server_flags = tuple(api_server_flags)
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._exit.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self.credentials.server

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig file of a user who may do everything."""
        return self.credentials.kubeconfig(credentials.ADMIN)

    @property
    def authority(self) -> Path:
        """The certificate that vouches for the API server."""
        return self.credentials.authority

    @property
    def mesh_authority(self) -> Path:
        """The certificate that vouches for `istiod.SECURE_NAME`, which istiods are on their secure ports."""
        return self.folder / "cacerts" / "root-cert.pem"

    def token(self, user: str = credentials.ADMIN) -> str:
        """The fixed token of a user of the lab."""
        return self.credentials.tokens[user]

    async def service_account_token(
        self, namespace: str, name: str, audience: str | None = None, seconds: int = 3600
    ) -> str:
        """A token of a service account, for the API server or for an audience such as `istiod.AUDIENCE`."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        spec = {"expirationSeconds": seconds, "audiences": [audience] if audience else []}
        made = await self.api.request("POST", path, {"spec": spec})
        return str(made["status"]["token"])

    async def service_account_kubeconfig(self, namespace: str, name: str) -> Path:
        """A kubeconfig file of a service account, with a token that is valid for a day."""
        token = await self.service_account_token(namespace, name, seconds=86_400)
        return self.credentials.kubeconfig(f"{namespace}.{name}", token)

    async def apply(self, wanted: str | Object | list[Object]) -> None:
        """Have these objects, given as YAML or as what it says, one after another, by server-side apply."""
        for each in objects(wanted):
            await self.api.apply(each)

    async def define_kinds(self, definitions: str | Object | list[Object]) -> None:
        """Have these CustomResourceDefinitions; all of their versions are served when this returns."""
        wanted = objects(definitions)
        await _together(*(self.api.apply(each) for each in wanted))
        for spec in (each["spec"] for each in wanted):
            for version in spec["versions"]:
                await self._is_served(f"/apis/{spec['group']}/{version['name']}/{spec['names']['plural']}")

    async def configure_mesh(self, text: str) -> None:
        """Give running istiods another mesh configuration."""
        await self.api.apply(istiod.mesh_configuration(text))

    async def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """What kubectl prints.

        Raises:
            RuntimeError: it failed, with what it complains of.
        """
        process = await asyncio.create_subprocess_exec(
            str(cache.program("kubectl")),
            f"--kubeconfig={self.kubeconfig}",
            f"--cache-dir={self.folder / 'kubectl'}",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, complained = await process.communicate((stdin or "").encode())
        if process.returncode:
            raise RuntimeError(f"kubectl {' '.join(arguments)}: {complained.decode().strip()}")
        return said.decode()

    @asynccontextmanager
    async def kwok(self, *nodes: str) -> AsyncIterator[None]:
        """Inside, kwok plays the nodes with `kwok.LABEL`; the named ones are made. A pod names its node."""
        played = kwok.kwok(self.folder, self._block, self.credentials)
        await self.apply([kwok.node(name) for name in nodes])
        try:
            await played.start()
            await played.ready(partial(kwok.is_ready, self._block))
            yield
        finally:
            await played.stop()

    async def stop_apiserver(self, grace_s: float = 5.0) -> None:
        """End the API server; with a grace of 0 it is killed."""
        await self._api_server.stop(grace_s)

    async def start_apiserver(self) -> None:
        """Start the API server; it serves when this returns."""
        await self._serve()
        await self._api_server.ready(partial(self.api.answers, kubernetes.READY))

    async def restart_apiserver(self) -> None:
        """End the API server and start it."""
        await self.stop_apiserver()
        await self.start_apiserver()

    async def stop_istiod(self, number: int, grace_s: float = 5.0, *, announced: bool = True) -> None:
        """End an istiod; with a grace of 0 it is killed. Its Pod is not ready then, if this is announced."""
        one = self.istiods[number]
        await one.program.stop(grace_s)
        if announced:
            await self.api.set_status(istiod.pod_status(one, ready=False))

    async def start_istiod(self, number: int) -> None:
        """Start an istiod; it serves, and its Pod is ready, when this returns."""
        one = self.istiods[number]
        await one.program.start()
        await one.program.ready(one.is_ready)
        await self.api.apply(istiod.pod(one))
        await self.api.set_status(istiod.pod_status(one, ready=True))

    async def _start(self) -> None:
        """What does not depend on another part starts together with it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._block = self._exit.enter_context(block())
        for last in (API_SERVER, *(FIRST_ISTIOD + number for number in range(self._count))):
            self._block.add(last)
        names = [self._block.public(API_SERVER), *kubernetes.NAMES]
        self.credentials = credentials.written(self.folder, kubernetes.server_url(self._block), names)
        self.api = await self._exit.enter_async_context(
            Api(self.server, self.credentials.authority, self.token(credentials.ADMIN))
        )
        await self._start_kubernetes()
        ready = self._api_server.ready(partial(self.api.answers, kubernetes.READY))
        await _together(ready, self._start_controllers(), self._start_istio())
        await until(self._is_discovered, "the endpoints of the istiods")

    async def _start_kubernetes(self) -> None:
        """A store that is prepared, if there is one; the API server looks for it until it is there."""
        self._has_kinds = prepared.copied(kubernetes.store(self.folder))
        etcd = self._program(kubernetes.etcd(self.folder, self._block))
        self._api_server = self._program(
            kubernetes.api_server(self.folder, self._block, self.credentials, self._api_server_flags)
        )
        await etcd.start()
        await _together(etcd.ready(partial(kubernetes.etcd_is_ready, self._block)), self._serve())

    async def _serve(self) -> None:
        """Start the API server, and wait until the other parts can start."""
        await self._api_server.start()
        await self._api_server.ready(partial(self.api.answers, kubernetes.SERVES))

    async def _start_controllers(self) -> None:
        """Controllers wait ten seconds for an API server that is healthy, and then give up."""
        await self._api_server.ready(lambda: self.api.answers(kubernetes.READY))
        program = kubernetes.controllers(self.folder, self._block, self.credentials, self._sync_s)
        controllers = self._program(program)
        await controllers.start()
        await controllers.ready(partial(kubernetes.controllers_are_ready, self._block))

    async def _start_istio(self) -> None:
        """Istio's kinds are there before any istiod: it would begin without them, and take them up later."""
        secret = istiod.write_authority(self.folder)
        for number in range(self._count):
            one = istiod.istiod(self.folder, self._block, self.credentials, number, self._istiod_environment)
            self._program(one.program)
            self.istiods.append(one)
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": istiod.NAMESPACE}}
        await self.api.apply(namespace)
        await self.apply([secret, istiod.mesh_configuration(self._mesh), *istiod.surroundings()])
        if not self._has_kinds:
            await self.define_kinds(cache.document("istio-crds.yaml").read_text())
        await self._open_kinds()
        await _together(*(self.start_istiod(one.number) for one in self.istiods))

    async def _open_kinds(self) -> None:
        """Be the first to ask for each of Istio's kinds: an istiod, refused, would wait for a second."""
        await _together(*(self._is_served(path) for path in await self.api.lists("istio.io")))

    async def _is_served(self, path: str) -> None:
        await until(partial(self.api.answers, path), path)

    async def _is_discovered(self) -> bool:
        """Whether whoever looks for istiods finds all of them."""
        path = f"/apis/discovery.k8s.io/v1/namespaces/{istiod.NAMESPACE}/endpointslices"
        slices = (await self.api.get(path, labelSelector="kubernetes.io/service-name=istiod"))["items"]
        endpoints = [endpoint for each in slices for endpoint in each["endpoints"] or ()]
        ready = {address for one in endpoints if one["conditions"]["ready"] for address in one["addresses"]}
        return ready == {one.address for one in self.istiods}

    def _program(self, program: Program) -> Program:
        """What is started last ends first."""
        self._exit.push_async_callback(program.stop)
        return program


async def _together(*work: Coroutine[Any, Any, object]) -> None:
    """Do these at once; the first failure ends the others and is what is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


__all__ = ["ApiError", "ControlPlane", "NotStarted"]
