"""The demo's story on a real cluster, with the example's YAML as it is: a lane, a release, an abort."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.acceptance.flood import versions
from tests.kubernetes.acceptance.loads import without_failure
from tests.kubernetes.acceptance.shop import Shop
from tests.kubernetes.running import EXAMPLES, Cluster
from tests.kubernetes.running import namespace as namespace_of
from tests.lab.program import Program

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

FILES = sorted((EXAMPLES / "shop").glob("[a-z]*.yaml"))
RELEASES = EXAMPLES / "shop" / "releases"
SYSTEM = ("page", "consultation", "appointment", "pharmacy", "inventory")


class Example(Shop):
    """The whole example in its own namespace, with its own rules: what fails is tried again there."""

    @property
    def host(self) -> str:
        return "shop.example"

    async def up(self) -> None:
        await self.cluster.put(dict(namespace_of(self.namespace)))
        await self.cluster.apply(*FILES)
        for name in SYSTEM:
            await self.cluster.until_app(self.namespace, name, 90, Ready="True", Reconciling="False")

    async def met(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Who answers on the way of a request to the page, in which version; the same 20 times."""
        found: list[Any] = await self.answers(20, "/", headers)
        ways = [versions(each) for each in found]
        assert all(each == ways[0] for each in ways), ways
        return ways[0]


@pytest.fixture
async def example(cluster: Cluster, controller: Program) -> Any:
    shop = Example(cluster, "shop")
    yield shop
    await cluster.leave("shop")


async def test_the_demos_story(example: Example) -> None:
    """Page, consultation, appointment, pharmacy, inventory, and a partner outside of the mesh."""
    await example.up()
    blue = dict.fromkeys(SYSTEM, "blue") | {"labs": "2024-11"}
    green = blue | {"pharmacy": "green", "inventory": "green"}
    async with without_failure(example, "the demo's story") as load:
        assert await example.met({}) == blue
        await example.lane("green", {"pharmacy": "green", "inventory": "green"})
        await example.until_lane("green")
        assert await example.met({"x-lane": "green"}) == green
        assert await example.met({}) == blue

        await example.cluster.apply(RELEASES / "pharmacy-2.0.yaml")
        await example.until_served({"blue": 80, "2.0": 20})
        await example.until_phase("Promoted")
        await example.until_served({"2.0": 100})
        assert await example.met({"x-lane": "green"}) == green

        await example.cluster.apply(RELEASES / "pharmacy-3.0-bad.yaml")
        await example.until_served({"2.0": 80, "3.0-bad": 20})
        await example.cluster.apply(RELEASES / "pharmacy-2.0.yaml")
        await example.until_phase("RolledBack")
        await example.until_served({"2.0": 100})
        assert set(await load.more()) == {"2.0"}

        await example.delete("Lane", "green")
        await example.cluster.until(lambda: _left(example), "nobody is in the lane any more")
    assert load.versions == {"blue", "2.0", "3.0-bad"}


async def _left(example: Example) -> bool:
    (answer,) = await example.answers(1, "/pharmacy", {"x-lane": "green"})
    return versions(answer)["pharmacy"] == "2.0"
