"""What others delete or change of Laneway's, in the middle of a release: it comes back, or is reported."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.kubernetes.faults.played import Played, Running
from tests.kubernetes.faults.watching import Watching
from tests.kubernetes.faults.web import HELD, Web

from laneway.spec.meta import Key

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

HELD_AT = {"steps": list(HELD)}


@pytest.fixture
async def web(played: Played, namespace: str) -> Web:
    return Web(played, namespace, policy=HELD_AT)


@pytest.fixture
async def watching(web: Web) -> Watching:
    return Watching(web)


@pytest.fixture
async def controller(web: Web, watching: Watching) -> AsyncIterator[Running]:
    """It holds version 2 at 20 %."""
    async with web.cluster.controller(web.namespace, watching) as running:
        await web.make()
        await web.until_settled("1", 90)
        await web.deploy("2")
        await web.until_weights(80, 20)
        yield running
        assert not running.task.done()


async def names(web: Web, kind: str, version: str) -> list[str]:
    """Of the objects that are of this version, or of the app as a whole."""
    of = {
        each["metadata"]["name"]
        for each in await web.listed("Deployment")
        if each["spec"]["template"]["spec"]["containers"][0]["image"].endswith(f":{version}")
    }
    return [name for each in await web.listed(kind) if (name := each["metadata"]["name"]) in of]


@pytest.mark.parametrize("kind", ["VirtualService", "DestinationRule", "Service"])
async def test_what_leads_traffic_comes_back(
    web: Web, controller: Running, watching: Watching, kind: str
) -> None:
    before = await web.cluster.get(kind, *web.key)
    await web.cluster.server.delete(kind, web.key)

    async def back() -> bool:
        found = await web.cluster.server.get(kind, web.key)
        return found is not None and found["metadata"]["uid"] != before["metadata"]["uid"]

    await web.cluster.until(back, f"{kind} is there again")
    await web.until_weights(80, 20)
    await finished(web, watching)


@pytest.mark.parametrize("kind", ["Deployment", "ControllerRevision"])
@pytest.mark.parametrize("version", ["1", "2"])
async def test_what_makes_pods_comes_back(
    web: Web, controller: Running, watching: Watching, kind: str, version: str
) -> None:
    (name,) = [each for each in await names(web, kind, version) if each != web.name]
    before = await web.cluster.get(kind, web.namespace, name)
    await web.cluster.server.delete(kind, Key(web.namespace, name))

    async def back() -> bool:
        found = await web.cluster.server.get(kind, Key(web.namespace, name))
        return found is not None and found["metadata"]["uid"] != before["metadata"]["uid"]

    await web.cluster.until(back, f"{kind} {name} is there again")
    await web.cluster.until(web.rules, "the rules")
    await finished(web, watching, heir=(kind, version) == ("Deployment", "1"))


async def finished(web: Web, watching: Watching, *, heir: bool = False) -> None:
    """It is promoted, and ends at version 2. heir: stable's pods were gone, so version 2 got everything."""
    await web.ask("promote")
    await web.until_settled("2", 90)
    assert heir or not watching.wrong


async def edited(web: Web, *percents: int) -> None:
    """Other weights, by kubectl."""
    last = len((await web.rules())["spec"]["http"]) - 1
    patch = [
        {"op": "replace", "path": f"/spec/http/{last}/route/{number}/weight", "value": percent}
        for number, percent in enumerate(percents)
    ]
    await web.cluster.server.patch("VirtualService", web.key, patch, type="json")


async def test_weights_that_somebody_edits_are_restored_and_an_event_tells_of_it(
    web: Web, controller: Running
) -> None:
    before = await web.rules()
    await edited(web, 1, 99)

    async def restored() -> bool:
        rules = await web.rules()
        versions = [int(each["metadata"]["resourceVersion"]) for each in (before, rules)]
        return versions[0] < versions[1] and rules["spec"] == before["spec"]

    async def told() -> bool:
        return any(each["reason"] == "Restored" for each in await web.listed("Event"))

    await web.cluster.until(restored, "the rules are as they were")
    await web.cluster.until(told, "an Event tells of it")


async def test_an_edit_is_reported_and_left_alone_where_the_app_says_so(
    web: Web, controller: Running, watching: Watching
) -> None:
    web.more = {"drift": "report"}
    await web.cluster.put(web.app())
    await web.cluster.until(web.conditions, "the App is read")
    await edited(web, 50, 50)

    async def drifted() -> bool:
        return (await web.conditions()).get("Drifted") == "True"

    await web.cluster.until(drifted, "it is told")
    assert sorted((await web.weights()).values()) == [50, 50]
    await edited(web, 80, 20)

    async def as_written() -> bool:
        return bool(now := await web.conditions()) and "Drifted" not in now

    await web.cluster.until(as_written, "it is told no longer")
