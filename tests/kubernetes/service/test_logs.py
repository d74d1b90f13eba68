"""What pods wrote, asked of something that answers as an API server does: the lab's pods keep no logs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from laneway.control.status import LogLine
from laneway.kubernetes.api.access import Access
from laneway.kubernetes.api.requests import Requests, open_requests
from laneway.kubernetes.service.logs import container_of, followed, lines
from laneway.kubernetes.service.pods import Pod

Json = dict[str, Any]


def pod(name: str, *containers: str, begun: bool = True, default: str = "") -> Pod:
    """A pod of these containers."""
    said = [{"name": each, "state": {"running" if begun else "waiting": {}}} for each in containers]
    spec = {"containers": [{"name": each} for each in containers]}
    metadata = {
        "namespace": "shop",
        "name": name,
        "uid": name,
        "annotations": {"kubectl.kubernetes.io/default-container": default},
    }
    return Pod({"metadata": metadata, "spec": spec, "status": {"containerStatuses": said}})


class Kubelet:
    """Answers for containers. asked: with which queries."""

    def __init__(self) -> None:
        self.asked: list[Json] = []
        self.more: asyncio.Queue[bytes] = asyncio.Queue()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Two lines; who follows gets what comes."""
        self.asked.append(dict(request.query))
        if request.match_info["pod"] == "gone":
            return web.json_response({"kind": "Status", "message": "no such pod"}, status=404)
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one\ntw")
        await response.write(b"o")
        while "follow" in request.query:
            await response.write(await self.more.get())
        return response


@asynccontextmanager
async def asking(kubelet: Kubelet) -> AsyncIterator[Requests]:
    """Requests to it."""
    application = web.Application()
    application.router.add_get("/api/v1/namespaces/{namespace}/pods/{pod}/log", kubelet.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        async with open_requests(Access(f"http://{host}:{port}", "stub")) as requests:
            yield requests
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("found", "app", "sidecar"),
    [
        (pod("p", "istio-proxy", "app", "more"), "app", "istio-proxy"),
        (pod("p", "app", "more", default="more"), "more", None),
        (pod("p", "app", begun=False), None, None),
    ],
)
def test_the_application_is_the_container_that_kubectl_takes(
    found: Pod, app: str | None, sidecar: str | None
) -> None:
    """Never the sidecar; none that has not begun."""
    assert (container_of(found, "app"), container_of(found, "sidecar")) == (app, sidecar)


async def test_the_last_lines_of_each_pod_one_after_the_other() -> None:
    """A line is whole however it comes; a pod that is gone has none."""
    kubelet = Kubelet()

    async def pods() -> list[Pod]:
        return [pod("a", "app"), pod("gone", "app"), pod("b", "app")]

    async with asking(kubelet) as requests:
        found = [line async for line in lines(requests, pods, "app", 2)]
    assert [(line["pod"], line["line"]) for line in found] == [
        ("a", "one"), ("a", "two"), ("b", "one"), ("b", "two"),
    ]  # fmt: skip
    assert kubelet.asked[0] == {"container": "app", "tailLines": "2"}


async def test_lines_to_come_are_told_of_pods_to_come_too() -> None:
    """As soon as there are any."""
    kubelet = Kubelet()
    known, news = [pod("a", "app")], asyncio.Event()

    async def pods() -> list[Pod]:
        return known

    async def changed() -> None:
        await news.wait()
        news.clear()

    async with asking(kubelet) as requests, aclosing(followed(requests, pods, changed, "app", 5)) as told:
        assert await anext(told) == LogLine(pod="a", line="one")
        kubelet.more.put_nowait(b"!\nthree\n")
        assert [(await anext(told))["line"] for _ in range(2)] == ["two!", "three"]
        known.append(pod("b", "app"))
        news.set()
        assert await anext(told) == LogLine(pod="b", line="one")
