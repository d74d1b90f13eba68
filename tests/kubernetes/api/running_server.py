"""A real API server with its store, and nothing else of a cluster: who only asks and watches needs no more.

Owns its start and end. Must not know what is asked.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
from tests.lab import credentials, kubernetes
from tests.lab.addresses import API_SERVER, block
from tests.lab.api import Api

from laneway.kubernetes.api.access import Access, access
from laneway.kubernetes.api.server import Server
from laneway.spec.meta import Key


class RunningServer:
    """An API server of its own addresses and folder. flags: more of them for it."""

    def __init__(self, folder: Path, flags: tuple[str, ...] = ()) -> None:
        self._folder = folder.absolute()
        self._flags = flags
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
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.credentials.server)
        return str(parts.hostname), parts.port or 443

    def access(self, user: str = credentials.ADMIN, token: str | None = None) -> Access:
        """The way to it as this user, or with this token."""
        return access(kubeconfig=self.credentials.kubeconfig(user, token))

    def other(self) -> Api:
        """Somebody else who may do everything, under another manager's name."""
        token = self.credentials.tokens[credentials.ADMIN]
        return Api(self.credentials.server, self.credentials.authority, token)

    async def stop(self) -> None:
        """End the API server; its store stays."""
        await self._api_server.stop()

    async def start(self) -> None:
        """Start the API server; it serves when this returns."""
        await self._api_server.start()
        await self._api_server.ready(self._is_ready)

    async def _start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        taken = self._exit.enter_context(block())
        taken.add(API_SERVER)
        names = [taken.public(API_SERVER), *kubernetes.NAMES]
        self.credentials = credentials.written(self._folder, kubernetes.server_url(taken), names)
        etcd = kubernetes.etcd(self._folder, taken)
        self._api_server = kubernetes.api_server(self._folder, taken, self.credentials, self._flags)
        self._exit.push_async_callback(etcd.stop)
        await etcd.start()
        await etcd.ready(lambda: kubernetes.etcd_is_ready(taken))
        self._exit.push_async_callback(self._api_server.stop)
        await self.start()

    async def _is_ready(self) -> bool:
        tls = ssl.create_default_context(cafile=str(self.credentials.authority))
        url = f"{self.credentials.server}/readyz"
        headers = {"Authorization": f"Bearer {self.credentials.tokens[credentials.ADMIN]}"}
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(url, ssl=tls, headers=headers) as answer,
            ):
                return answer.status == 200
        except aiohttp.ClientError:
            return False


async def namespace(server: Server, name: str) -> str:
    """Have a namespace, in which objects can be made."""
    await server.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def config_map(key: Key, data: dict[str, str] | None = None, **metadata: Any) -> dict[str, Any]:
    """The plainest object that there is."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": key.namespace, "name": key.name, **metadata},
        "data": data or {},
    }


async def define(server: Server, kind: str, plural: str, scope: str = "Namespaced") -> None:
    """Define one of Laneway's kinds, with fields that are not looked at."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": kind, "plural": plural, "singular": kind.lower()}
    await server.apply(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.laneway.dev"},
            "spec": {"group": "laneway.dev", "scope": scope, "names": names, "versions": [version]},
        }
    )


class Wire:
    """A way to an address that can be cut, and that can fall silent without an end."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._writers: set[asyncio.StreamWriter] = set()
        self._silent: set[asyncio.StreamWriter] = set()
        self.accepts = True

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self.cut()

    @property
    def url(self) -> str:
        """Where it begins, as an API server's URL; certificates of the lab are valid for it."""
        return f"https://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        """End every connection."""
        for writer in self._writers:
            writer.transport.abort()

    def silence(self) -> None:
        """Nothing arrives any more on the connections that there are; new ones are not affected."""
        self._silent |= self._writers

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.accepts:
            writer.transport.abort()
            return
        there_reader, there_writer = await asyncio.open_connection(*self._address)
        ends = {writer, there_writer}
        self._writers |= ends
        try:
            await asyncio.gather(self._flow(reader, there_writer), self._flow(there_reader, writer))
        except OSError:
            pass
        finally:
            self._writers -= ends
            self._silent -= ends
            for end in ends:
                end.transport.abort()

    async def _flow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(1 << 16):
            if writer not in self._silent:
                writer.write(piece)
                await writer.drain()
        raise ConnectionResetError
