"""What Envoys of the lab's node have counted, at a port and under Istio's names, for a Prometheus to read.

Their admin interfaces are Unix sockets, and Envoy as its project ships it has no filter that counts as that
of Istio does. So each cluster's own counters, `outbound|80|r-REVISION|HOST`, are told as requests of Istio's:
those that were answered with 5xx as 503, all others as 200. Real proxies count real requests; only names are
made.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from tests.kubernetes.evidence.running_prometheus import free_port
from tests.lab.node.node import Node

_STAT = re.compile(r"cluster\.outbound\|\d+\|r-([^|]+)\|([^;:]+);?\.upstream_rq_(total|5xx): (\d+)")


def istio_metrics(stats: str) -> str:
    """Envoy's `/stats` as metrics of Istio."""
    counted: dict[tuple[str, str], dict[str, int]] = {}
    for revision, host, what, amount in _STAT.findall(stats):
        counted.setdefault((host, revision), {})[what] = int(amount)
    lines = []
    for (host, revision), found in counted.items():
        failed = found.get("5xx", 0)
        for code, amount in (("503", failed), ("200", found.get("total", 0) - failed)):
            labels = (
                f'reporter="source",destination_service="{host}",'
                f'destination_canonical_revision="{revision}",response_code="{code}"'
            )
            lines.append(f"istio_requests_total{{{labels}}} {amount}\n")
    return "".join(lines)


@asynccontextmanager
async def relay(node: Node, every: str) -> AsyncIterator[dict[str, Any]]:
    """A job of Prometheus that reads every pod's Envoy, also of pods to come."""
    port = free_port()

    async def targets(_: web.Request) -> web.Response:
        found = []
        for pod in node.all_pods():
            meta = pod.body["metadata"]
            if pod.proxy is not None and pod.ready:
                path = f"/{meta['namespace']}/{meta['name']}"
                labels = {"__metrics_path__": path, "pod": meta["name"], "namespace": meta["namespace"]}
                found.append({"targets": [f"127.0.0.1:{port}"], "labels": labels})
        return web.json_response(found)

    async def stats(request: web.Request) -> web.Response:
        try:
            pod = node.pod(request.match_info["namespace"], request.match_info["name"])
        except KeyError:
            raise web.HTTPNotFound from None
        if pod.proxy is None:
            raise web.HTTPNotFound
        try:
            text = await pod.proxy.admin.text("/stats?filter=upstream_rq_(total%7C5xx)$")
        except (OSError, TimeoutError):
            raise web.HTTPServiceUnavailable from None
        return web.Response(text=istio_metrics(text))

    application = web.Application()
    application.router.add_get("/targets", targets)
    application.router.add_get("/{namespace}/{name}", stats)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield {
            "job_name": "pods",
            "scrape_interval": every,
            "scrape_timeout": every,
            "http_sd_configs": [{"url": f"http://127.0.0.1:{port}/targets", "refresh_interval": "1s"}],
        }
    finally:
        await runner.cleanup()
