"""Parts of the cluster that go away: the API server, a kind of Istio, the namespace itself."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.kubernetes.faults.played import Played
from tests.kubernetes.faults.played import played as started
from tests.kubernetes.faults.watching import Watching
from tests.kubernetes.faults.web import HELD, Web
from tests.lab import cache
from tests.lab.api import objects

from laneway.spec.meta import Key

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

KIND = "destinationrules.networking.istio.io"
ATTEMPTS = 40
"""Requests of a controller that meet no API server: its first hurry is over by then."""


@pytest.fixture(scope="module")
async def own(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Played]:
    """A cluster whose parts may be ended."""
    async with started(tmp_path_factory.mktemp("outages")) as running:
        yield running


async def test_a_release_goes_on_after_the_api_server_was_gone(own: Played) -> None:
    web = Web(own, "gone", policy={"steps": [{"weight": 20, "hold": "2s"}, {"weight": 100}]})
    watching = Watching(web)
    async with own.controller("gone", watching) as running:
        await web.make()
        await web.until_settled("1", 90)
        await web.deploy("2")
        await web.until_weights(80, 20)
        await own.lab.stop_apiserver()
        asked = running.server.requests.total()
        while running.server.requests.total() < asked + ATTEMPTS:  # noqa: ASYNC110 - nobody tells of requests
            await asyncio.sleep(0.05)
        assert not running.task.done()
        await own.lab.start_apiserver()
        assert sorted((await web.weights()).values()) == [20, 80], "as it was, until it goes on"
        await web.until_settled("2", 120)
    assert not watching.wrong
    assert [each["status"]["phase"] for each in await web.releases()] == ["Promoted"]


async def test_traffic_stays_where_it_is_while_there_is_no_controller(own: Played) -> None:
    web = Web(own, "alone", policy={"steps": list(HELD)})
    async with own.controller("alone"):
        await web.make()
        await web.until_settled("1", 90)
        await web.deploy("2")
        await web.until_weights(80, 20)
    before = await web.rules()
    await web.deploy("3")
    await own.lab.restart_apiserver()
    assert (await web.rules())["metadata"] == before["metadata"]
    assert await web.images() == {"1": 4, "2": 1}
    async with own.controller("alone"):
        await web.until_weights(80, 20)
        # istiod looks for an API server that was gone ever less often: until then nothing is confirmed
        await own.until(lambda: _serves(web, "3"), "version 3 has its turn", 120)


async def _serves(web: Web, version: str) -> bool:
    return (await web.images()).get(version, 0) > 0


async def test_a_namespace_may_go_in_the_middle_of_a_release(
    own: Played, caplog: pytest.LogCaptureFixture
) -> None:
    web, other = Web(own, "leaving", policy={"steps": list(HELD)}), Web(own, "staying")
    watching = Watching(other)
    async with own.controller() as running:
        for each in (web, other):
            await each.make()
            await each.until_settled("1", 90)
        await web.deploy("2")
        await web.until_weights(80, 20)
        await own.server.delete("Namespace", Key("", "leaving"))

        async def gone() -> bool:
            return await own.server.get("Namespace", Key("", "leaving")) is None

        await own.until(gone, "the namespace is gone", 90)
        caplog.clear()
        await other.deploy("2")
        await other.until_settled("2", 90)
        assert not running.task.done()
        assert not running.controller.index.apps.keys() & {web.key}
    errors = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert not [each for each in errors if "leaving" in each], "nothing of it is tried again"
    assert not watching.wrong


async def test_a_kind_of_istios_that_is_missing_is_waited_for_and_told(own: Played) -> None:
    web = Web(own, "early")
    watching = Watching(web)
    await own.server.delete("CustomResourceDefinition", Key("", KIND))
    await own.until(lambda: _is_missing(own), "the kind is gone")
    async with own.controller("early", watching) as running:
        await web.make()

        async def told() -> bool:
            app = await own.get("App", *web.key)
            return "DestinationRule" in json.dumps((app.get("status") or {}).get("conditions"))

        await own.until(told, "the App tells of it", 30)
        assert await own.server.get("VirtualService", web.key) is None, "no rules without their subsets"
        assert not running.task.done()
        (kind,) = [each for each in objects(_istios_kinds()) if each["metadata"]["name"] == KIND]
        await own.lab.define_kinds([kind])
        await web.until_settled("1", 120)
    assert not watching.wrong


async def _is_missing(own: Played) -> bool:
    return await own.server.get("CustomResourceDefinition", Key("", KIND)) is None


def _istios_kinds() -> str:
    path: Path = cache.document("istio-crds.yaml")
    return path.read_text()
