"""Configuration that a template names is part of its revision: it has a canary, and a way back."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kubernetes.faults.played import Played
from tests.kubernetes.faults.watching import Watching
from tests.kubernetes.faults.web import Web

from laneway.kubernetes.configuration import COPY_OF
from laneway.manifests import names
from laneway.plan.versions import RETIRED_KEPT

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

RELEASES = RETIRED_KEPT + 2
"""So many that the first of them is kept no longer."""
POD = {"volumes": [{"name": "prices", "configMap": {"name": "prices"}}]}


def prices(namespace: str, currency: str) -> dict[str, Any]:
    metadata = {"name": "prices", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"currency": currency}}


async def copies(web: Web) -> list[str]:
    """What the copies say."""
    found = [
        each["data"]["currency"]
        for each in await web.listed("ConfigMap")
        if COPY_OF in (each["metadata"].get("annotations") or {})
    ]
    return sorted(found)


async def read(web: Web) -> set[str]:
    """What the ready pods that serve read."""
    maps = {each["metadata"]["name"]: each.get("data") or {} for each in await web.listed("ConfigMap")}
    return {
        maps[volume["configMap"]["name"]]["currency"]
        for pod in await web.listed("Pod")
        if names.REVISION in pod["metadata"]["labels"]
        for volume in pod["spec"]["volumes"]
        if "configMap" in volume
    }


async def released(web: Web, number: int) -> bool:
    """So many releases have been promoted, and nothing moves."""
    phases = [(each.get("status") or {}).get("phase") for each in await web.releases()]
    return phases.count("Promoted") == number and await web.settled("1")


async def test_another_content_is_a_release_and_an_undo_brings_the_old_one_back(
    played: Played, namespace: str
) -> None:
    web = Web(played, namespace, pod=POD)
    watching = Watching(web)
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    async with played.controller(namespace, watching):
        await played.put(space, prices(namespace, "EUR"))
        await web.make()
        await web.until_settled("1", 90)
        assert await read(web) == {"EUR"}

        await played.put(prices(namespace, "GBP"))
        await played.until(lambda: released(web, 1), "the new content is released", 90)
        assert await read(web) == {"GBP"}
        assert await copies(web) == ["EUR", "GBP"], "a way back"

        await web.ask("undo")

        async def back() -> bool:
            return await read(web) == {"EUR"} and len(await web.weights()) == 1

        await played.until(back, "the old content serves", 90)
        assert (await played.get("ConfigMap", namespace, "prices"))["data"] == {"currency": "GBP"}
    assert not watching.wrong


async def test_a_lane_reads_what_its_base_reads_when_the_base_is_long_gone(
    played: Played, namespace: str
) -> None:
    web = Web(played, namespace, pod=POD)
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    lane = {
        "apiVersion": "laneway.dev/v1alpha1",
        "kind": "Lane",
        "metadata": {"name": "blue", "namespace": namespace},
        "spec": {"apps": [{"name": "web", "image": "registry.example/web:lane"}]},
    }
    async with played.controller(namespace):
        await played.put(space, prices(namespace, "EUR"))
        await web.make()
        await web.until_settled("1", 90)
        await played.put(lane)

        async def serves() -> bool:
            return (await web.images()).get("lane", 0) > 0

        await played.until(serves, "the lane has its pod")
        for number in range(RELEASES):
            await played.put(prices(namespace, f"X{number}"))
            await played.until(lambda: _promoted(web, number + 1), f"release {number}", 90)  # noqa: B023

        async def dropped() -> bool:
            return "X0" not in await copies(web)

        await played.until(dropped, "the copy that no kept revision reads is gone")
        assert "EUR" in await copies(web), "of the lane's base"


async def _promoted(web: Web, number: int) -> bool:
    phases = [(each.get("status") or {}).get("phase") for each in await web.releases()]
    quiet = (await web.conditions()).get("Reconciling") == "False"
    return phases.count("Promoted") >= number and quiet
