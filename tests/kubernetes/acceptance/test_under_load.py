"""Not one request fails on a real cluster while versions and lanes come and go; nothing is tried again.

An open-loop load runs at the gateway and through the mesh. Each test prints what was counted.
"""

from __future__ import annotations

import pytest
from tests.kubernetes.acceptance.loads import without_failure
from tests.kubernetes.acceptance.shop import HELD, STEPS, Shop
from tests.kubernetes.running import Cluster
from tests.lab.program import Program

from laneway.spec.release import Verb

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

LONGER = ({"weight": 20, "hold": "10s"}, {"weight": 100})
"""An App's status may tell of a weight some seconds late."""


async def test_a_canary_from_20_to_100_fails_no_request(shop: Shop) -> None:
    """Up to the last pod of the old version."""
    await shop.up()
    async with without_failure(shop, "20 to 100") as load:
        await shop.deploy("green")
        await shop.until_phase("Promoted")
        await shop.until_served({"green": 100})
        await shop.until_pods(shop.replicas)
    assert load.versions == {"blue", "green"}


async def test_an_abort_by_putting_the_template_back_fails_no_request(shop: Shop) -> None:
    """All traffic is back at the version before, and the aborted one is gone."""
    shop.policy = {"steps": HELD}
    await shop.up()
    async with without_failure(shop, "abort by template") as load:
        await shop.deploy("green")
        await shop.until_served({"blue": 80, "green": 20})
        assert set(await load.more(50)) == {"blue", "green"}
        await shop.deploy("blue")
        await shop.until_phase("RolledBack")
        await shop.until_served({"blue": 100})
        await shop.until_pods(shop.replicas)
        assert set(await load.more()) == {"blue"}


async def test_an_abort_that_a_person_asks_for_fails_no_request(shop: Shop) -> None:
    """The template stays the refused one's, and is not tried again."""
    shop.policy = {"steps": HELD}
    await shop.up()
    async with without_failure(shop, "abort by request") as load:
        await shop.deploy("green")
        await shop.until_served({"blue": 80, "green": 20})
        await shop.ask(Verb.ABORT)
        await shop.until_phase("RolledBack")
        await shop.until_served({"blue": 100})
        await shop.until_pods(shop.replicas)
        assert set(await load.more()) == {"blue"}
    assert "RevisionRefused" in {each["code"] for each in (await shop.status())["findings"]}


async def test_a_newer_version_in_mid_canary_fails_no_request(shop: Shop) -> None:
    """The first canary gives its weight back, the second takes over."""
    shop.policy = {"steps": HELD}
    await shop.up()
    async with without_failure(shop, "supersede") as load:
        await shop.deploy("green")
        await shop.until_served({"blue": 80, "green": 20})
        assert set(await load.more(50)) == {"blue", "green"}
        shop.policy = {"steps": STEPS}
        await shop.deploy("2.0")
        await shop.until_served({"2.0": 100})
        await shop.until_pods(shop.replicas)
    assert load.versions == {"blue", "green", "2.0"}
    assert [each["status"]["phase"] for each in await shop.releases()] == ["Superseded", "Promoted"]


async def test_a_lane_that_comes_and_goes_fails_no_request(shop: Shop) -> None:
    """Requests outside of the lane never see it; those in it do, and none is lost at its end."""
    await shop.up()
    async with (
        without_failure(shop, "lane, outside") as outside,
        without_failure(shop, "lane, inside", lane="try", rate=50) as inside,
    ):
        await shop.lane("try", {"pharmacy": "lane"})
        await shop.until_lane("try")
        assert set(await inside.more()) == {"lane"}
        await shop.delete("Lane", "try")
        await shop.until_pods(shop.replicas)
        assert set(await inside.more()) == {"blue"}
    assert outside.versions == {"blue"}


async def test_a_release_leaves_a_lane_as_it_is(shop: Shop) -> None:
    """Under load in the lane and outside of it."""
    await shop.up()
    await shop.lane("try", {"pharmacy": "lane"})
    await shop.until_lane("try")
    async with (
        without_failure(shop, "release beside a lane, outside") as outside,
        without_failure(shop, "release beside a lane, inside", lane="try", rate=50) as inside,
    ):
        await shop.deploy("green")
        await shop.until_phase("Promoted")
        await shop.until_served({"green": 100})
    assert outside.versions == {"blue", "green"}
    assert inside.versions == {"lane"}


async def test_a_controller_killed_in_mid_canary_fails_no_request(shop: Shop, controller: Program) -> None:
    """Traffic stays where it is without it; started again, it goes on where the world stands."""
    shop.policy = {"steps": LONGER}
    await shop.up()
    async with without_failure(shop, "controller killed and started") as load:
        await shop.deploy("green")
        await shop.until_served({"blue": 80, "green": 20})
        await controller.stop(0)
        assert set(await load.more(100)) == {"blue", "green"}
        await controller.start()
        await shop.until_phase("Promoted")
        await shop.until_served({"green": 100})
        await shop.until_pods(shop.replicas)


async def test_another_leader_in_mid_canary_fails_no_request(
    cluster: Cluster, shop: Shop, controller: Program
) -> None:
    """The one that ends gives its lease back; the one that waited goes on with the same release."""
    shop.policy = {"steps": LONGER}
    await shop.up()
    second = await cluster.controller_process("second")
    async with without_failure(shop, "leader hand-over"):
        await shop.deploy("green")
        await shop.until_served({"blue": 80, "green": 20})
        await controller.stop()
        await shop.until_phase("Promoted")
        await shop.until_served({"green": 100})
        await shop.until_pods(shop.replicas)
    assert await cluster.holder() == "second"
    await controller.start()
    await second.stop()
